#include "base/nearest_name.h"

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

}  // namespace
}  // namespace hardy
