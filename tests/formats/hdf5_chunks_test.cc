// Chunks unpacked by libdeflate against what libhdf5 itself reads.
#include "formats/hdf5_chunks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <numeric>
#include <string>

#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

constexpr std::size_t kMost = 1 << 20;

/// One dataset "x" of the numbers 0, 1, .. in a file of its own.
struct PackedDataset {
  std::vector<hsize_t> shape;
  std::vector<hsize_t> chunk;  ///< empty: not divided
  bool is_shuffled = false;
  bool has_checksum = false;
  int deflate = 6;  ///< 0: none
  hid_t type = H5T_IEEE_F32LE;
  bool is_written = true;
  std::vector<hsize_t> limit = {};  ///< extents that the dataset may grow to

  [[nodiscard]] std::size_t size() const {
    return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  }

  void write(const std::filesystem::path& path) const {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const int axes = static_cast<int>(shape.size());
    const hid_t space =
        H5Screate_simple(axes, shape.data(), limit.empty() ? nullptr : limit.data());
    const hid_t created = H5Pcreate(H5P_DATASET_CREATE);
    if (!chunk.empty()) H5Pset_chunk(created, axes, chunk.data());
    if (is_shuffled) H5Pset_shuffle(created);
    if (deflate > 0) H5Pset_deflate(created, static_cast<unsigned>(deflate));
    if (has_checksum) H5Pset_fletcher32(created);
    const hid_t made = H5Dcreate2(file, "x", type, space, H5P_DEFAULT, created, H5P_DEFAULT);
    std::vector<float> values(size());
    std::iota(values.begin(), values.end(), 0.0F);
    if (is_written) {
      H5Dwrite(made, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    }
    H5Dclose(made);
    H5Pclose(created);
    H5Sclose(space);
    H5Fclose(file);
  }

  /// The bytes in the file's type by both ways: libhdf5's, ours.
  [[nodiscard]] std::pair<std::vector<std::byte>, std::optional<std::vector<std::byte>>> read(
      const std::filesystem::path& path) const {
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t opened = H5Dopen2(file, "x", H5P_DEFAULT);
    std::vector<std::byte> theirs(size() * H5Tget_size(type));
    H5Dread(opened, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, theirs.data());
    auto ours = read_gzip_chunks(opened, H5Tget_size(type), {shape.begin(), shape.end()}, kMost);
    H5Dclose(opened);
    H5Fclose(file);
    return {std::move(theirs), std::move(ours)};
  }
};

TEST(Hdf5Chunks, AreWhatLibhdf5Reads) {
  const std::vector<PackedDataset> datasets = {
      {{7, 5}, {7, 5}},
      {{7, 5}, {3, 2}},  // chunks that stick out at both ends
      {{7, 5}, {3, 2}, true},
      {{100}, {33}, true, false, 9, H5T_STD_I16BE},
      {{4, 3, 5}, {3, 3, 2}, true, false, 1, H5T_IEEE_F64LE},
      {{4, 3, 5, 2}, {1, 2, 5, 1}},
      {{6}, {6}, true, false, 6, H5T_STD_U8LE},
  };
  const test::TempDir folder;
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    const auto file = folder / (std::to_string(i) + ".h5");
    datasets[i].write(file);
    const auto [theirs, ours] = datasets[i].read(file);
    ASSERT_TRUE(ours.has_value()) << i;
    EXPECT_EQ(*ours, theirs) << i;
  }
}

TEST(Hdf5Chunks, OtherStorageIsLeftToLibhdf5) {
  const std::vector<PackedDataset> datasets = {
      {{7, 5}, {}, false, false, 0},
      {{7, 5}, {3, 2}, false, false, 0},
      {{7, 5}, {3, 2}, false, true},
      {{7, 5}, {3, 2}, false, false, 6, H5T_IEEE_F32LE, false},
      // A chunk far larger than the dataset.
      {{2}, {kMost}, false, false, 6, H5T_IEEE_F32LE, true, {H5S_UNLIMITED}},
  };
  const test::TempDir folder;
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    const auto file = folder / (std::to_string(i) + ".h5");
    datasets[i].write(file);
    EXPECT_FALSE(datasets[i].read(file).second.has_value()) << i;
  }
}

TEST(Hdf5Chunks, DamagedChunksAreNotUnpacked) {
  const test::TempDir folder;
  const auto file = folder / "x.h5";
  const PackedDataset dataset{{200, 50}, {200, 50}};
  dataset.write(file);
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const auto start = bytes.find("\x78\x9c");  // of a zlib stream
  ASSERT_NE(start, std::string::npos);
  stream.clear();
  stream.seekp(static_cast<std::streamoff>(start) + 500);
  stream.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  stream.close();
  EXPECT_FALSE(dataset.read(file).second.has_value());
}

}  // namespace
}  // namespace hardy
