// numpy's .npy files, the storage of features in most public corpora.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// The header of a .npy file.
struct NpyHeader {
  char type = 'f';            ///< f, i, u or b (bool)
  std::size_t item_size = 4;  ///< bytes of one element
  bool is_big_endian = false;
  bool is_fortran = false;  ///< column-major order
  std::vector<std::int64_t> shape;
  std::size_t data_offset = 0;
  std::size_t count = 0;  ///< number of elements
};

/// Storage type of the elements of an array.
struct ElementType {
  char type = 'f';            ///< f, i, u or b (bool)
  std::size_t item_size = 4;  ///< bytes; 2, 4, 8 for f, 1 to 8 for i and u, 1 for b
  bool is_big_endian = false;
};

/// Converts stored elements to float32. Requires: `out` has data.size() / item_size values.
void convert_to_float(const ElementType& type, std::span<const std::byte> data, float* out);

/// double to float, to nearest; infinite beyond float32.
float narrow_to_float(double value);

/// An array as real numbers.
struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;  ///< row-major, for any order of the file
};

/// Reads and checks the header of a .npy file of format 1, 2 or 3; `bytes` is the whole file,
/// `name` stands for it in messages. Accepts f2 f4 f8, i and u of 1 to 8 bytes and b1 in either
/// byte order. Throws DataError for anything else (objects, records, text), a malformed header, and
/// a file whose size is not exactly what its shape needs.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::string_view name);

/// The header of an array of any type: numbers, or S (bytes), U (text of UCS-4, item_size = 4 per
/// character), O (Python objects, pickled behind the header; item_size 0). Checks the size except
/// for O. Throws DataError.
NpyHeader parse_any_npy_header(std::span<const std::byte> bytes, std::string_view name);

/// The whole array, converted to float32 (float64 rounds to nearest; infinite beyond float32).
NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view name);
NpyArray load_npy(const std::filesystem::path& file);

/// One utterance's feature vector by the rule of the public readers: axes of length 1 are dropped;
/// of [T,D] the mean over T is taken; an empty array gives an empty vector (for which they use
/// zeros). `feature` is overwritten; reusing it avoids allocations. Throws DataError beyond two
/// axes.
void read_npy_feature(std::span<const std::byte> bytes, std::string_view name,
                      std::vector<float>& feature);

/// A .npy file (format 1.0, '<f4', row-major) as bytes. Throws ShapeError when the shape does not
/// fit.
std::string format_npy(const std::vector<std::int64_t>& shape, std::span<const float> values);

/// What stands before the values of such a file.
std::string format_npy_header(const std::vector<std::int64_t>& shape);

/// Writes an array that memory cannot hold: `jobs` threads ask `fill` for runs of rows, each thread
/// for runs of its own, and write them. The file is new and not whole before the function returns.
/// Throws IoError, and what `fill` throws.
void save_npy_rows(const std::filesystem::path& file, std::int64_t rows, std::int64_t width,
                   int jobs,
                   const std::function<void(std::int64_t first, std::span<float> rows)>& fill);

/// Writes it atomically. Throws IoError, ShapeError.
void save_npy(const std::filesystem::path& file, const std::vector<std::int64_t>& shape,
              std::span<const float> values);

}  // namespace hardy
