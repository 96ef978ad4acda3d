/// @file
/// Named arrays in one file: a safetensors container (8-byte little-endian header length, JSON
/// header, raw data), which the Python package safetensors reads. Models, cached stage results and
/// checkpoints use it.
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
  std::vector<std::int64_t> shape;  ///< every size >= 0
  /// float32, int64 or uint8 values.
  std::variant<std::vector<float>, std::vector<std::int64_t>, std::vector<std::uint8_t>> values;
};

/// The contents of a tensor file. std::map keeps names sorted, so equal contents are equal bytes.
struct TensorFile {
  std::map<std::string, NamedArray> arrays;     ///< by name, e.g. "model.joint.weight"
  std::map<std::string, std::string> metadata;  ///< free text by name, e.g. "config" -> TOML

  /// Adds a float32 array. Requires: the product of `shape` is the number of values.
  void add(const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values);
  /// Adds an int64 array. Requires: the product of `shape` is the number of values.
  void add(const std::string& name, std::vector<std::int64_t> shape,
           std::vector<std::int64_t> values);

  /// The values of a float32 array. Throws ArtifactError when absent or of another type.
  [[nodiscard]] std::span<const float> floats(const std::string& name) const;
  /// The values of an int64 array. Throws ArtifactError when absent or of another type.
  [[nodiscard]] std::span<const std::int64_t> integers(const std::string& name) const;
  /// The shape of an array. Throws ArtifactError when absent.
  [[nodiscard]] const std::vector<std::int64_t>& shape(const std::string& name) const;
  /// One entry of the metadata. Throws ArtifactError when absent.
  [[nodiscard]] const std::string& text(const std::string& metadata_name) const;
};

/// One array of a tensor file in memory that the view does not own.
struct ArrayView {
  std::string type;                  ///< "F32", "I64" or "U8"
  std::vector<std::int64_t> shape;   ///< every size >= 0
  std::span<const std::byte> bytes;  ///< little-endian values, row-major
};

/// A tensor file whose values are not copied, e.g. in a mapped file.
struct TensorFileView {
  std::map<std::string, ArrayView> arrays;      ///< as TensorFile::arrays
  std::map<std::string, std::string> metadata;  ///< as TensorFile::metadata

  /// Whether an array of that name exists.
  [[nodiscard]] bool has(const std::string& name) const { return arrays.contains(name); }

  /// As TensorFile::floats; also throws ArtifactError when the values are not aligned.
  [[nodiscard]] std::span<const float> floats(const std::string& name) const;
  /// As TensorFile::integers; also throws ArtifactError when the values are not aligned.
  [[nodiscard]] std::span<const std::int64_t> integers(const std::string& name) const;
  /// As TensorFile::shape.
  [[nodiscard]] const std::vector<std::int64_t>& shape(const std::string& name) const;
};

/// A view of `contents`, which must outlive it.
TensorFileView view_of(const TensorFile& contents);

/// Writes atomically (src/base/files.h) and adds the metadata "hardy.checksum", a SHA-256 over the
/// data section and all other metadata. The data section starts at a multiple of 64 bytes. Throws
/// IoError when the operating system refuses.
void save_tensor_file(const std::filesystem::path& file, const TensorFile& contents);

/// Reads and verifies a file. Throws ArtifactError (not a tensor file, truncated, overlapping or
/// out of range offsets, unknown type, wrong checksum) naming the finding. Never allocates more
/// than the file's size times a small constant.
TensorFile load_tensor_file(const std::filesystem::path& file);

/// Like load_tensor_file, from memory; `name` stands for the file in messages.
TensorFile parse_tensor_file(std::span<const std::byte> bytes, std::string_view name);

/// Like parse_tensor_file without copying values: `bytes` must outlive the view.
TensorFileView view_tensor_file(std::span<const std::byte> bytes, std::string_view name);

}  // namespace hardy
