// From the inputs of a user to the utterances to extract: recordings, folders, patterns, a table;
// with given or found transcripts, or divided at pauses.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hardy/extract.h"
#include "media/transcript.h"

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
  std::string media_folder;  ///< base of relative paths in tables; empty = the table's folder
  std::string transcripts;   ///< a file, or a folder with files by stem
  std::string tier;          ///< of TextGrid and ELAN files
  CutMode cut = CutMode::kAuto;
  std::string asr;         ///< command that writes a transcript: {wav} {out}
  std::int64_t limit = 0;  ///< largest number of recordings; 0 = all
};

/// The utterances, with notes.
struct SegmentList {
  std::vector<Segment> segments;
  std::vector<std::string> notes;  ///< about transcripts, rows and recordings
};

/// Decoding for the plan, done in separate processes.
struct SegmentServices {
  /// Stretches of speech of each recording; {} = the whole recording. Shapes: [recordings].
  std::function<std::vector<std::vector<std::pair<double, double>>>(
      const std::vector<std::filesystem::path>& recordings, CutMode mode)>
      cut;
  /// A transcript file written by the user's command for one recording; empty on failure, with a
  /// line in `note`.
  std::function<std::filesystem::path(const std::filesystem::path& recording, std::string& note)>
      transcribe;
};

/// Rows of a table as segments, without transcripts. Separate for fuzzing, because it reads no
/// file. Columns: media (also file, path), start, end, id, speaker, text (sentence, transcript),
/// dialogue, label (emotion), group, split; all except media optional, and media too if `id` is a
/// recording's stem. Throws DataError naming the line.
std::vector<Segment> parse_segment_table(std::string_view text, std::string_view name);

/// Lists the utterances. Throws ConfigError when nothing is named or found, DataError for an
/// unreadable table or transcript.
SegmentList list_segments(const SegmentOptions& options, const SegmentServices& services);

/// The cues of one recording as its segments; several are one dialogue.
std::vector<Segment> segments_of_cues(const std::filesystem::path& recording,
                                      const std::vector<Cue>& cues);

/// Stretches of speech, (start, end) in seconds, as segments of one dialogue; none = the whole
/// recording.
std::vector<Segment> segments_of_cuts(const std::filesystem::path& recording,
                                      const std::vector<std::pair<double, double>>& cuts);

/// Whether a name has the ending of a recording.
bool is_recording_name(const std::filesystem::path& file);

}  // namespace hardy
