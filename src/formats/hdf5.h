// HDF5 files, read-only, for the layouts of the field (.csd, .h5, .hdf5).
//
// The library runs in a separate process (base/isolation.h), so that a crash by a damaged file
// becomes a DataError. Only data inside the file are read: no soft or external links, no external
// or virtual storage, no filters except deflate, shuffle and fletcher32.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hardy {

/// Element types of a dataset.
enum class Hdf5Type : std::uint8_t {
  kNumbers,  ///< integers, reals
  kTexts,    ///< strings of fixed or variable length
  kOther     ///< records, references, ..: unsupported
};

/// One dataset without its data.
struct Hdf5Entry {
  std::string path;                 ///< from the root, without a leading slash: "COVAREP/data/x"
  std::vector<std::int64_t> shape;  ///< empty = a scalar
  Hdf5Type type = Hdf5Type::kOther;

  /// Number of elements; the shape was checked for overflow.
  [[nodiscard]] std::int64_t size() const;
};

/// How a dataset is read.
enum class Hdf5Want : std::uint8_t { kSkip, kFloats, kDoubles, kTexts };

/// One dataset with its data, row-major.
struct Hdf5Array {
  Hdf5Entry entry;
  std::vector<float> floats;       ///< for kFloats; infinite beyond float32
  std::vector<double> doubles;     ///< for kDoubles
  std::vector<std::string> texts;  ///< for kTexts; UTF-8
};

/// Whether a file has HDF5's signature.
bool is_hdf5(const std::filesystem::path& file);

/// Visits every dataset below the root, in order of names (a group's members before the next
/// group). `want` decides how each is read; it runs in the other process, so its side effects are
/// lost. `take` receives the data, one dataset at a time. Throws DataError when the file is no HDF5
/// file, damaged, or uses an unsupported feature, and whatever `take` throws.
void read_hdf5(const std::filesystem::path& file,
               const std::function<Hdf5Want(const Hdf5Entry&)>& want,
               const std::function<void(Hdf5Array&)>& take);

/// Names of the members of the root group, sorted. Throws as read_hdf5.
std::vector<std::string> list_hdf5_root(const std::filesystem::path& file);

}  // namespace hardy
