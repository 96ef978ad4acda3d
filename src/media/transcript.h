// Transcripts in their usual forms -> cues: speaker, text, start and end.
#pragma once

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// One utterance of a transcript.
struct Cue {
  double start_s = std::nan("");  ///< NaN = the form has no times: the whole recording
  double end_s = std::nan("");
  std::string text;       ///< UTF-8 without markup and stage directions; never empty
  std::string speaker;    ///< empty = unknown
  std::string id;         ///< id of the utterance; empty = none
  std::string recording;  ///< recording of the cue; empty = the transcript's only one

  [[nodiscard]] bool has_times() const { return std::isfinite(start_s); }
};

/// A transcript as read. Cues are in order of start.
struct Transcript {
  std::string form;  ///< "SubRip", "WebVTT", "table", "TextGrid", "ELAN", "CMU-MOSEI", ..
  std::vector<Cue> cues;
  std::vector<std::string> notes;  ///< omissions and repairs, with counts
};

/// Reading options of a transcript.
struct TranscriptOptions {
  std::string tier;  ///< tier of a TextGrid or ELAN file; empty = all tiers of utterances
};

/// Reads a transcript; the form is recognised by its contents, then by the ending of `name`, which
/// also stands for the file in messages. Text is UTF-8, UTF-16 with a byte order mark, otherwise
/// Latin-1. Cues without text, and cues that end before they start, are left out with a note
/// (Transcript::notes). Throws DataError, with the line if known, when the form is unreadable.
Transcript parse_transcript(std::string_view bytes, std::string_view name,
                            const TranscriptOptions& options = {});

/// The same from a file of at most 256 MiB.
Transcript load_transcript(const std::filesystem::path& file,
                           const TranscriptOptions& options = {});

/// The cues of one recording: those that name it, by its file's stem, by PARENT/STEM or
/// PARENT_STEM; all cues if the transcript names no recordings. A cue with a longer id of the
/// recording ("clip_0" of clip) does not count.
std::vector<Cue> cues_of(const Transcript& transcript, const std::filesystem::path& recording);

/// The transcript beside a recording, or in `folder` if that is not empty: the recording's stem
/// with one of the known endings (.srt .vtt .TextGrid .eaf .json .ctm .tsv .csv .txt), in this
/// order; empty if there is none.
std::filesystem::path find_transcript(const std::filesystem::path& recording,
                                      const std::filesystem::path& folder);

}  // namespace hardy
