// Messages between the service and the process that extracts one recording for it. Links no libav,
// so that the service can include it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hardy/extract.h"

namespace hardy {

/// Messages of one byte from the helper to the service: questions are answered now, or not.
inline constexpr char kHelperReady = '+';
inline constexpr char kHelperDown = '-';

/// What is asked of an extracting process; the bytes of the recording follow it.
struct RecordingQuestion {
  std::string name;  ///< file name of the recording: for ids and transcripts that name it
  std::string transcript_name;  ///< file name of the transcript
  std::string transcript;       ///< bytes of a transcript in any known form; empty = none
  std::string tier;             ///< of TextGrid and ELAN transcripts
  std::string cut = "auto";     ///< "auto", "pauses", "whole"
  std::array<bool, 3> wanted = {true, true, true};  ///< index as in kMediaModalities
  std::int64_t max_utterances = 0;
  double max_recording_s = 0;  ///< longer recordings are refused, seconds
};

/// The extracted utterances, or a refusal.
struct RecordingAnswer {
  std::string field;          ///< refused part of the question; empty = nothing is refused
  std::string reason;         ///< of the refusal
  bool is_too_large = false;  ///< the refusal is by a limit
  std::vector<ExtractedSegment> segments;  ///< their `media` is the question's `name`
  std::vector<std::string> notes;          ///< about the transcript
};

std::string encode_question(const RecordingQuestion& question);

/// Throws DataError for bytes that encode_question did not write.
RecordingQuestion decode_question(std::string_view bytes);

std::string encode_answer(const RecordingAnswer& answer);

/// The same for an answer. Vectors that are not as wide as `makers` say, or not finite, are
/// refused, too: the sender reads hostile files. Shapes: makers index as in kMediaModalities.
RecordingAnswer decode_answer(std::string_view bytes, const std::array<FeatureMaker, 3>& makers);

/// The extractors of a helper, which it tells when it is ready.
std::string encode_makers(const std::array<FeatureMaker, 3>& makers);

/// Throws DataError as decode_question.
std::array<FeatureMaker, 3> decode_makers(std::string_view bytes);

}  // namespace hardy
