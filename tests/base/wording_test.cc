#include "base/wording.h"

#include <gtest/gtest.h>

namespace hardy {
namespace {

TEST(NearestName, PrefersFewEditsAndStaysSilentWhenFar) {
  const std::vector<std::string> known = {"alpha", "beta", "table.gamma"};
  EXPECT_EQ(nearest_name("alhpa", known), "alpha");
  EXPECT_EQ(nearest_name("gamma", known), "table.gamma");
  EXPECT_EQ(nearest_name("--sed", {"--set", "--seed"}), "--seed") << "a lost letter is likelier";
  EXPECT_EQ(nearest_name("epsilon", known), "");
  EXPECT_EQ(nearest_name(std::string(10000, 'a'), known), "");
}

TEST(Counted, OneAndMany) {
  EXPECT_EQ(counted(0, "fold"), "0 folds");
  EXPECT_EQ(counted(std::size_t{1}, "fold"), "1 fold");
  EXPECT_EQ(counted(std::int64_t{2}, "fold"), "2 folds");
  EXPECT_EQ(counted(1, "class"), "1 class");
  EXPECT_EQ(counted(3, "class"), "3 classes");
}

}  // namespace
}  // namespace hardy
