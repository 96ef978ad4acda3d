// Named arrays in one file: a safetensors container (8-byte little-endian header length, JSON
// header, raw data), which Python reads in one line. Models, cached stage results and checkpoints
// use it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hardy {

/// One array. Row-major; the number of values is the product of `shape` (1 for an empty shape).
struct NamedArray {
  std::vector<std::int64_t> shape;
  std::variant<std::vector<float>, std::vector<std::int64_t>, std::vector<std::uint8_t>> values;
};

/// The contents of a tensor file. std::map keeps names sorted, so equal contents are equal bytes.
struct TensorFile {
  std::map<std::string, NamedArray> arrays;
  std::map<std::string, std::string> metadata;  ///< free text by name, e.g. "config" -> TOML

  void add(const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values);
  void add(const std::string& name, std::vector<std::int64_t> shape,
           std::vector<std::int64_t> values);

  /// The values of a float32 / int64 array. Throws ArtifactError when absent or of another type.
  [[nodiscard]] std::span<const float> floats(const std::string& name) const;
  [[nodiscard]] std::span<const std::int64_t> integers(const std::string& name) const;
  [[nodiscard]] const std::vector<std::int64_t>& shape(const std::string& name) const;
  [[nodiscard]] const std::string& text(const std::string& metadata_name) const;
};

/// One array of a tensor file in memory that somebody else owns.
struct ArrayView {
  std::string type;  ///< "F32", "I64" or "U8"
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// A tensor file whose values stay where they are, e.g. in a mapped file.
struct TensorFileView {
  std::map<std::string, ArrayView> arrays;
  std::map<std::string, std::string> metadata;

  [[nodiscard]] bool has(const std::string& name) const { return arrays.contains(name); }

  /// As those of TensorFile; also throws ArtifactError when the values are not aligned.
  [[nodiscard]] std::span<const float> floats(const std::string& name) const;
  [[nodiscard]] std::span<const std::int64_t> integers(const std::string& name) const;
  [[nodiscard]] const std::vector<std::int64_t>& shape(const std::string& name) const;
};

/// The same contents as a view; `contents` must outlive it.
TensorFileView view_of(const TensorFile& contents);

/// Writes atomically (core/files.h); the metadata gets "hardy.checksum", a SHA-256 over the data
/// section and all other metadata. The data section starts at a multiple of 64 bytes.
void save_tensor_file(const std::filesystem::path& file, const TensorFile& contents);

/// Reads and verifies. Throws ArtifactError (not a tensor file, truncated, overlapping or out of
/// range offsets, unknown type, wrong checksum) saying what was found; never allocates more than
/// the file's size times a small constant.
TensorFile load_tensor_file(const std::filesystem::path& file);

/// The same from memory; `name` stands for the file in messages.
TensorFile parse_tensor_file(std::span<const std::byte> bytes, std::string_view name);

/// The same without copying a value: `bytes` must outlive the view. Verifies the checksum, too.
TensorFileView view_tensor_file(std::span<const std::byte> bytes, std::string_view name);

}  // namespace hardy
