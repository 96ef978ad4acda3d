// Computational sequences of the CMU-MultimodalSDK, as stored in a .csd file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace hardy {

/// Kind of the sequence in a file or group, by its name.
enum class SequenceKind : std::uint8_t {
  kFeatures,
  kLabels,
  kWords,  ///< texts with their times
  kOther   ///< phones: not read
};

SequenceKind kind_of_sequence(const std::string& name);

/// "acoustic" for "CMU_MOSI_COVAREP", "visual" for "CMU_MOSI_Visual_Facet_41", ..; the name itself
/// when unknown.
std::string modality_of_sequence(const std::string& name);

/// The rows of one recording.
struct SequenceRows {
  std::string id;  ///< id of the recording; "video" or "video[k]"
  std::int64_t count = 0;
  std::int64_t width = 0;          ///< values of a row; 1 for words
  std::vector<float> values;       ///< [count, width]; empty for words
  std::vector<std::string> texts;  ///< [count]; empty except for words
  std::vector<double> intervals;   ///< [count, 2] start and end in seconds; may be empty
};

/// Reads every recording of a file in order of its name. `root`: the root group to read; empty =
/// the first one (a .csd file has one). `is_text`: words. Throws DataError for a damaged file, and
/// for recordings whose features and intervals differ in length.
void read_sequence(const std::filesystem::path& file, const std::string& root, bool is_text,
                   const std::function<void(SequenceRows&)>& take);

}  // namespace hardy
