// Features in mapped files: equal to those in memory, and never mixed with a changed file.
#include "hardy/feature_array.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>
#include <utility>
#include <vector>

#include "base/files.h"
#include "hardy/errors.h"
#include "tests/support/messages.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using test::message_of;
using test::TempDir;

/// Numbers 1.. `count` in a file.
std::filesystem::path put_numbers(const TempDir& folder, std::size_t count) {
  std::vector<float> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  const auto file = folder.path() / "numbers";
  write_file_atomically(file, std::as_bytes(std::span(numbers)));
  return file;
}

TEST(FeatureArray, ReadsAMappedFileFromAnOffsetOn) {
  const TempDir folder;
  const auto array = FeatureArray::map(put_numbers(folder, 5000), 8, 4000);
  ASSERT_TRUE(array.is_mapped());
  EXPECT_EQ(array.size(), 4000U);
  EXPECT_EQ(array[0], 3);
  EXPECT_EQ(array.end()[-1], 4002);
  array.require_unchanged();
}

TEST(FeatureArray, HidesRangesFromReadersAndLeavesTheFile) {
  const TempDir folder;
  const auto file = put_numbers(folder, 100);
  auto array = FeatureArray::map(file, 0, 100);
  array.hide(10, 5);
  const FeatureArray copy = array;
  EXPECT_EQ(std::as_const(copy)[9], 10);
  EXPECT_EQ(std::as_const(copy)[10], 0);
  EXPECT_EQ(std::as_const(copy)[14], 0);
  EXPECT_EQ(std::as_const(copy)[15], 16);
  const FeatureArray again = FeatureArray::map(file, 0, 100);
  EXPECT_EQ(again[10], 11);
  array.require_unchanged();
}

TEST(FeatureArray, TakesACopyBeforeItIsChanged) {
  const TempDir folder;
  auto array = FeatureArray::map(put_numbers(folder, 100), 0, 100);
  const FeatureArray other = array;
  array[3] = -1;
  EXPECT_FALSE(array.is_mapped());
  EXPECT_EQ(std::as_const(array)[3], -1);
  EXPECT_EQ(std::as_const(array)[4], 5);
  EXPECT_TRUE(other.is_mapped());
  EXPECT_EQ(other[3], 4);
  EXPECT_FALSE(array == other);
  array[3] = 4;
  EXPECT_TRUE(array == other);
}

TEST(FeatureArray, NoticesAFileThatWasWrittenOrReplaced) {
  const TempDir folder;
  const auto file = put_numbers(folder, 100);
  const auto array = FeatureArray::map(file, 0, 100);
  put_numbers(folder, 100);  // the same numbers in another file
  EXPECT_NE(message_of<DataError>([&] { array.require_unchanged(); }).find("was changed"),
            std::string::npos);
  std::filesystem::remove(file);
  EXPECT_NE(message_of<DataError>([&] { array.require_unchanged(); }).find("was changed"),
            std::string::npos);
}

TEST(FeatureArray, RefusesAFileThatIsTooShort) {
  const TempDir folder;
  const auto file = put_numbers(folder, 10);
  EXPECT_THROW(FeatureArray::map(file, 4, 10), IoError);
  EXPECT_THROW(FeatureArray::map(folder.path() / "none", 0, 1), IoError);
}

}  // namespace
}  // namespace hardy
