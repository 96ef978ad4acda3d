// HDF5 files, read-only, for the layouts of the field (.csd, .h5, .hdf5).
//
// The library reads in a process of its own (base/isolation.h): a damaged file may crash it there
// and becomes a DataError here. Only data inside of the file are read: no soft or external links,
// no external or virtual storage, no filters beside deflate, shuffle and fletcher32.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hardy {

/// What a dataset holds.
enum class Hdf5Type : std::uint8_t {
  kNumbers,  ///< integers, reals
  kTexts,    ///< strings of fixed or variable length
  kOther     ///< records, references, ..: cannot be read
};

/// One dataset before its data are read.
struct Hdf5Entry {
  std::string path;                 ///< from the root, without a leading slash: "COVAREP/data/x"
  std::vector<std::int64_t> shape;  ///< empty = a scalar
  Hdf5Type type = Hdf5Type::kOther;

  /// Number of elements; the shape is known to fit.
  [[nodiscard]] std::int64_t size() const;
};

/// What to do with a dataset.
enum class Hdf5Want : std::uint8_t { kSkip, kFloats, kDoubles, kTexts };

/// One dataset with its data, row-major.
struct Hdf5Array {
  Hdf5Entry entry;
  std::vector<float> floats;       ///< for kFloats; what is too large for float32 is infinite
  std::vector<double> doubles;     ///< for kDoubles
  std::vector<std::string> texts;  ///< for kTexts; UTF-8
};

/// Whether a file starts as HDF5 files do.
bool is_hdf5(const std::filesystem::path& file);

/// Visits every dataset below the root, in order of names (a group's members before the next
/// group). `want` says what to do with each; it runs in the other process, so changes that it makes
/// are not seen. `take` receives the data that were wanted, one dataset at a time.
/// Throws DataError when the file is no HDF5 file, damaged, or holds what hdf5.h refuses, and what
/// `take` throws.
void read_hdf5(const std::filesystem::path& file,
               const std::function<Hdf5Want(const Hdf5Entry&)>& want,
               const std::function<void(Hdf5Array&)>& take);

/// Names of the members of the root group, sorted. Throws as read_hdf5.
std::vector<std::string> list_hdf5_root(const std::filesystem::path& file);

}  // namespace hardy
