#include "formats/hdf5.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <csignal>
#include <functional>

#include <string>
#include <vector>

#include "base/files.h"
#include "base/isolation.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

std::filesystem::path fixture(const std::string& name) {
  return test::fixtures_dir() / "corpora" / name;
}

/// All readable datasets of a file.
std::vector<Hdf5Array> read_all(const std::filesystem::path& file) {
  std::vector<Hdf5Array> arrays;
  const auto want = [](const Hdf5Entry& entry) {
    if (entry.type == Hdf5Type::kTexts) return Hdf5Want::kTexts;
    return entry.type == Hdf5Type::kNumbers ? Hdf5Want::kDoubles : Hdf5Want::kSkip;
  };
  read_hdf5(file, want, [&](Hdf5Array& array) { arrays.push_back(std::move(array)); });
  return arrays;
}

/// A file written by `fill` with libhdf5.
template <typename Fill>
std::filesystem::path write_hdf5(const test::TempDir& folder, const std::string& name, Fill fill) {
  const std::filesystem::path file = folder / name;
  const hid_t handle = H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  fill(handle);
  H5Fclose(handle);
  return file;
}

TEST(Hdf5, ReadsNumbersAndTextsInOrderOfNames) {
  const auto arrays = read_all(fixture("csd/CMU_MOSEI_TimestampedWords.csd"));
  ASSERT_EQ(arrays.size(), 5U);
  EXPECT_EQ(arrays[0].entry.path, "words/data/v1/features");
  EXPECT_THAT(arrays[0].texts, ElementsAre("so", "sp", "good", "bad"));
  EXPECT_THAT(arrays[1].doubles, ElementsAre(0, 1, 1, 2, 2, 3, 3, 4));
  EXPECT_THAT(arrays[1].entry.shape, ElementsAre(4, 2));
  EXPECT_EQ(arrays[4].entry.path, "words/metadata/root name");
  EXPECT_THAT(arrays[4].texts, ElementsAre("\"words\""));  // of variable length
}

TEST(Hdf5, ConvertsToFloats) {
  std::vector<float> values;
  read_hdf5(
      fixture("merged.hdf5"),
      [](const Hdf5Entry& entry) {
        return entry.path == "COVAREP/w1[1]/features" ? Hdf5Want::kFloats : Hdf5Want::kSkip;
      },
      [&](Hdf5Array& array) { values = array.floats; });
  EXPECT_THAT(values, ElementsAre(2, 4));
  EXPECT_THAT(list_hdf5_root(fixture("merged.hdf5")),
              ElementsAre("COVAREP", "FACET_4.2", "Opinion Segment Labels", "words"));
}

TEST(Hdf5, OtherFilesAndMissingOnesAreRefused) {
  const test::TempDir folder;
  write_file_atomically(folder / "a.h5", std::string_view("no"));
  EXPECT_FALSE(is_hdf5(folder / "a.h5"));
  EXPECT_FALSE(is_hdf5(folder / "none"));
  EXPECT_TRUE(is_hdf5(fixture("merged.hdf5")));
  EXPECT_THAT(message_of<DataError>([&] { read_all(folder / "a.h5"); }),
              HasSubstr("a.h5: it is no HDF5 file, or damaged"));
  EXPECT_THAT(message_of<DataError>([&] { read_all(folder / "none"); }), HasSubstr("no HDF5 file"));
}

TEST(Hdf5, TextsAreNoNumbers) {
  const auto read = [](Hdf5Want want) {
    read_hdf5(
        fixture("csd/CMU_MOSEI_TimestampedWords.csd"), [=](const Hdf5Entry&) { return want; },
        [](Hdf5Array&) {});
  };
  EXPECT_THAT(message_of<DataError>([&] { read(Hdf5Want::kFloats); }),
              HasSubstr("words/data/v1/features: it holds no numbers"));
}

TEST(Hdf5, LinksOutOfTheFileAreRefused) {
  const test::TempDir folder;
  const auto external = write_hdf5(folder, "external.h5", [](hid_t file) {
    H5Lcreate_external("/etc/passwd", "/x", file, "out", H5P_DEFAULT, H5P_DEFAULT);
  });
  EXPECT_THAT(message_of<DataError>([&] { read_all(external); }), HasSubstr("not followed"));
  const auto soft = write_hdf5(folder, "soft.h5", [](hid_t file) {
    H5Lcreate_soft("/soft", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
  });
  EXPECT_THAT(message_of<DataError>([&] { read_all(soft); }), HasSubstr("not followed"));
}

TEST(Hdf5, LoopsOfGroupsAreRefused) {
  const test::TempDir folder;
  const auto loop = write_hdf5(folder, "loop.h5", [](hid_t file) {
    const hid_t group = H5Gcreate2(file, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "/", group, "up", H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(group);
  });
  EXPECT_THAT(message_of<DataError>([&] { read_all(loop); }), HasSubstr("reached by two paths"));
}

TEST(Hdf5, DataInOtherFilesAreRefused) {
  const test::TempDir folder;
  const auto outside = write_hdf5(folder, "outside.h5", [](hid_t file) {
    const hsize_t size = 4;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    const hid_t created = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(created, "/etc/passwd", 0, 16);
    H5Dclose(H5Dcreate2(file, "x", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, created, H5P_DEFAULT));
    H5Pclose(created);
    H5Sclose(space);
  });
  EXPECT_THAT(message_of<DataError>([&] { read_all(outside); }), HasSubstr("in another file"));
}

TEST(Hdf5, ClaimsBeyondWhatIsStoredAreRefused) {
  const test::TempDir folder;
  const auto bomb = write_hdf5(folder, "bomb.h5", [](hid_t file) {
    const hsize_t size = hsize_t{1} << 31;
    const hsize_t chunk = 1024;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    const hid_t created = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(created, 1, &chunk);
    H5Dclose(H5Dcreate2(file, "x", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, created, H5P_DEFAULT));
    H5Pclose(created);
    H5Sclose(space);
  });
  EXPECT_THAT(message_of<DataError>([&] { read_all(bomb); }), HasSubstr("claims far more data"));
}

TEST(Hdf5, DamagedFilesNeverEndTheProgram) {
  const auto bytes = read_file(fixture("csd/CMU_MOSEI_VisualFacet42.csd"));
  const test::TempDir folder;
  int refused = 0;
  for (std::size_t at = 8; at < bytes.size(); at += 601) {
    auto damaged = bytes;
    for (std::size_t i = at; i < std::min(at + 16, damaged.size()); ++i) damaged[i] = ~damaged[i];
    write_file_atomically(folder / "x.csd", std::span<const std::byte>(damaged));
    try {
      read_all(folder / "x.csd");
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
  write_file_atomically(folder / "cut.csd", std::span(bytes).first(bytes.size() / 2));
  EXPECT_THROW(read_all(folder / "cut.csd"), DataError);
}

TEST(Isolation, CrashesAndEarlyEndsBecomeErrors) {
  const auto run = [](const std::function<void(Outlet&)>& work) {
    return message_of<DataError>(
        [&] { run_isolated("FILE", {}, work, [](Inlet& inlet) { inlet.read_number(); }); });
  };
  EXPECT_THAT(run([](Outlet&) { std::raise(SIGSEGV); }),
              testing::AllOf(HasSubstr("FILE: reading it failed"), HasSubstr("signal 11")));
  EXPECT_THAT(run([](Outlet&) { throw DataError("lost"); }), HasSubstr("status 3"));
  EXPECT_THAT(run([](Outlet&) {}), HasSubstr("ended early"));
}

TEST(Isolation, PassesNumbersAndTextsAndRefusesLargeOnes) {
  run_isolated(
      "FILE", {},
      [](Outlet& outlet) {
        outlet.write_number(7);
        outlet.write_text("abc");
        outlet.write_number(1000);
      },
      [](Inlet& inlet) {
        EXPECT_EQ(inlet.read_number(7), 7U);
        EXPECT_EQ(inlet.read_text(3), "abc");
        EXPECT_THROW(inlet.read_number(999), DataError);
      });
}

TEST(Isolation, FailuresOfTheConsumerEndTheChild) {
  const auto endless = [](Outlet& outlet) {
    while (true) outlet.write_number(1);
  };
  EXPECT_THROW(run_isolated("FILE", {}, endless, [](Inlet&) { throw IoError("full"); }), IoError);
}

}  // namespace
}  // namespace hardy
