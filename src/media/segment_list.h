// What a user names -> the utterances to extract: recordings, folders, patterns, a table, with
// transcripts found or given, or cut at pauses.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "hardy/extract.h"

namespace hardy {

/// Recordings longer than this and without transcript are cut at pauses under CutMode::kAuto.
inline constexpr double kLongestWholeS = 15;

enum class CutMode {
  kAuto,    ///< at pauses when longer than kLongestWholeS
  kPauses,  ///< always
  kWhole    ///< never: a recording is one utterance
};

struct SegmentOptions {
  std::vector<std::string> inputs;  ///< recordings, folders, patterns with * and ?, tables
  std::string table;                ///< a table beside recordings below `media_folder`
  std::string media_folder;         ///< what paths of tables are relative to; empty = the table
  std::string transcripts;          ///< a file, or a folder with files by stem
  std::string tier;                 ///< of TextGrid and ELAN files
  CutMode cut = CutMode::kAuto;
  std::string asr;         ///< command that makes a transcript: {wav} {out}
  std::int64_t limit = 0;  ///< at most so many recordings; 0 = all
};

/// The utterances, and what was noticed.
struct SegmentList {
  std::vector<Segment> segments;
  std::vector<std::string> notes;  ///< about transcripts, rows and recordings
};

/// Decoding that planning needs, done in processes apart.
struct SegmentServices {
  /// Stretches of speech of each recording; {} = take it as a whole. Shapes: [recordings].
  std::function<std::vector<std::vector<std::pair<double, double>>>(
      const std::vector<std::filesystem::path>& recordings, CutMode mode)>
      cut;
  /// A transcript file made by the user's command for one recording; empty when it failed, with a
  /// line in `note`.
  std::function<std::filesystem::path(const std::filesystem::path& recording, std::string& note)>
      transcribe;
};

/// Rows of a table as segments, without transcripts looked up. Separate for fuzzing: reads no file.
/// Columns: media (also file, path), start, end, id, speaker, text (sentence, transcript),
/// dialogue, label (emotion), group, split; all but media optional, and media too when `id` is a
/// recording's stem. Throws DataError naming the line.
std::vector<Segment> parse_segment_table(std::string_view text, std::string_view name);

/// Throws ConfigError when nothing is named or found, DataError for a table or transcript that
/// cannot be read.
SegmentList list_segments(const SegmentOptions& options, const SegmentServices& services);

/// Whether a name has an ending that recordings have.
bool is_recording_name(const std::filesystem::path& file);

}  // namespace hardy
