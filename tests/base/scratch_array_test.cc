#include "base/scratch_array.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "hardy/errors.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

TEST(ScratchArray, HoldsNumbersAndLeavesNothing) {
  const test::TempDir folder;
  const auto home = folder.path() / "cache";
  {
    const ScratchArray array(home, 100'000);
    ASSERT_EQ(array.values().size(), 100'000U);
    EXPECT_TRUE(
        std::all_of(array.values().begin(), array.values().end(), [](float x) { return x == 0; }));
    array.values()[99'999] = 7;
    EXPECT_EQ(array.values()[99'999], 7);
    EXPECT_TRUE(std::filesystem::is_empty(home));
  }
  EXPECT_TRUE(std::filesystem::is_empty(home));
}

TEST(ScratchArray, IsRefusedWhereTheDiskHasNoRoom) {
  const test::TempDir folder;
  EXPECT_THROW(ScratchArray(folder.path(), std::size_t{1} << 58), IoError);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace hardy
