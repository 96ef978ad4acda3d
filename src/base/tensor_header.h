// The JSON header of a tensor file; parsing stores the expected form only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

inline constexpr const char* kTensorMetadataKey = "__metadata__";
inline constexpr std::size_t kMaxTensorDimensions = 16;
inline constexpr std::uint64_t kMaxTensorHeaderBytes = std::uint64_t{1} << 25;

/// Header entry of one array.
struct TensorEntry {
  std::string name;
  std::string type;                    ///< "F32", "I64", "U8", or any other text of the file
  std::vector<std::int64_t> shape;     ///< each >= 0
  std::vector<std::uint64_t> offsets;  ///< at most two: [begin, end) in the data section
};

struct TensorHeader {
  std::vector<TensorEntry> entries;  ///< in the order of the file
  std::map<std::string, std::string> metadata;
};

/// Parses `text` into `header`. Returns the problem; empty when it is well-formed: only the
/// expected fields, each once, at the expected depth.
std::string read_tensor_header(std::string_view text, TensorHeader& header);

/// Checks the header of a tensor file without reading its data: refuses a file that is larger than
/// `max_bytes`, or whose header does not match its size. Throws ArtifactError, IoError.
void check_tensor_file(const std::filesystem::path& file, std::int64_t max_bytes);

}  // namespace hardy
