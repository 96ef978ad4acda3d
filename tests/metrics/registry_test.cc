#include "metrics/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/files.h"
#include "hardy/errors.h"
#include "metrics/tally.h"
#include "tests/support/messages.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::vector<std::string> kOfValues = TallyLayout(TaskKind::kValue, {}).metric_names();
const std::vector<std::string> kOfClasses =
    TallyLayout(TaskKind::kClass, {"a", "b"}).metric_names();

TEST(Registry, KnowsEveryMetricThatIsCounted) {
  for (const auto* names : {&kOfValues, &kOfClasses}) {
    for (const auto& name : *names) {
      ASSERT_NE(find_metric(name), nullptr) << name;
      EXPECT_FALSE(find_metric(name)->convention.empty()) << name;
    }
  }
  EXPECT_EQ(find_metric("nonsense"), nullptr);
  EXPECT_EQ(find_metric("recall."), nullptr);
  std::set<std::string> names;
  for (const auto& metric : all_metrics()) EXPECT_TRUE(names.insert(metric.name).second);
}

TEST(Registry, TheDocumentDefinesEveryMetric) {
  const auto file = test::source_dir() / "docs/metrics.md";
  const std::string text = read_text_file(file);
  for (const auto& metric : all_metrics()) {
    EXPECT_THAT(text, HasSubstr("`" + metric.name + "`"));
  }
}

TEST(Registry, DirectionsAndUnits) {
  for (const char* smaller : {"mae", "brier", "ece", "mean_mae", "mae.valence"}) {
    EXPECT_FALSE(is_higher_better(smaller)) << smaller;
  }
  for (const char* larger : {"wa", "ccc", "acc7", "auroc", "recall.angry"}) {
    EXPECT_TRUE(is_higher_better(larger)) << larger;
  }
  EXPECT_TRUE(is_share("acc2_has0"));
  EXPECT_FALSE(is_share("correlation"));
  EXPECT_EQ(metric_range("correlation").low, -1);
  EXPECT_EQ(metric_range("brier").high, 2);
  EXPECT_EQ(metric_title("recall.angry"), "recall angry");
  EXPECT_EQ(metric_title("acc2_has0"), "Acc-2 has0");
}

TEST(Registry, UnderstandsOtherNames) {
  EXPECT_EQ(metric_named("accuracy", kOfValues), "acc2_non0");
  EXPECT_EQ(metric_named("accuracy", kOfClasses), "wa");
  EXPECT_EQ(metric_named("weighted_f1", kOfValues), "f1_non0");
  EXPECT_EQ(metric_named("UAR", kOfClasses), "ua");
  EXPECT_EQ(metric_named("Corr", kOfValues), "correlation");
  EXPECT_EQ(metric_named("Weighted-F1", kOfClasses), "weighted_f1");
}

TEST(Registry, RefusesOthersWithTheNearest) {
  const auto error = [](const char* typed, const std::vector<std::string>& known) {
    return message_of<ConfigError>([&] { (void)metric_named(typed, known); });
  };
  EXPECT_THAT(error("nonsense", kOfClasses),
              AllOf(HasSubstr("metric 'nonsense': there is no such metric"), HasSubstr("wa, ua")));
  EXPECT_THAT(error("wieghted_f1", kOfClasses), HasSubstr("did you mean 'weighted_f1'?"));
  EXPECT_THAT(error("mae", kOfClasses), HasSubstr("these labels do not have it"));
}

}  // namespace
}  // namespace hardy
