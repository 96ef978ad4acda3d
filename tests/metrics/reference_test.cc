// Every metric against values of scikit-learn and of MMSA's definitions
// (tests/fixtures/metrics/make_reference.py).
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "hardy/metrics.h"
#include "metrics/tally.h"
#include "tests/support/places.h"

namespace hardy {
namespace {

using Json = nlohmann::json;

Json reference() {
  const auto file = test::fixtures_dir() / "metrics" / "reference.json";
  return Json::parse(read_text_file(file));
}

/// The metrics of a layout by name, of utterances counted into several tallies and added up.
std::map<std::string, double> tallied(const TallyLayout& layout,
                                      const std::vector<std::vector<double>>& tallies) {
  std::vector<double> sum(layout.width());
  for (const auto& tally : tallies) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += tally[i];
  }
  std::vector<double> values(layout.metric_names().size());
  layout.metrics(sum, values);
  std::map<std::string, double> metrics;
  for (std::size_t i = 0; i < values.size(); ++i) metrics[layout.metric_names()[i]] = values[i];
  return metrics;
}

void expect_metrics(const Json& expected, const std::map<std::string, double>& metrics) {
  for (const auto& [name, value] : metrics) {
    if (name.starts_with("recall.")) continue;
    ASSERT_TRUE(expected.contains(name)) << name;
    EXPECT_NEAR(value, expected.at(name).get<double>(), 1e-6) << name;
  }
}

TEST(Reference, ClassesEqualScikitLearn) {
  const Json sets = reference().at("classes");
  ASSERT_EQ(sets.size(), 3U);
  for (const Json& set : sets) {
    const auto truth = set.at("truth").get<std::vector<std::int64_t>>();
    const auto probabilities = set.at("probabilities").get<std::vector<float>>();
    const auto classes = set.at("classes").get<std::int64_t>();
    const ClassMetrics counts = class_metrics(truth, probabilities, classes);
    const ProbabilityMetrics outputs = probability_metrics(truth, probabilities, classes);
    expect_metrics(set.at("metrics"), {{"wa", counts.wa},
                                       {"ua", counts.ua},
                                       {"weighted_f1", counts.weighted_f1},
                                       {"macro_f1", counts.macro_f1},
                                       {"auroc", outputs.auroc},
                                       {"brier", outputs.brier},
                                       {"ece", outputs.ece}});
    std::vector<std::string> names;
    for (std::int64_t c = 0; c < classes; ++c) names.push_back("c" + std::to_string(c));
    const TallyLayout layout(TaskKind::kClass, names);
    std::vector<std::vector<double>> tallies(2, std::vector<double>(layout.width()));
    const auto width = static_cast<std::size_t>(classes);
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const auto row = std::span(probabilities).subspan(i * width, width);
      layout.add(tallies[i % 2], static_cast<double>(truth[i]), static_cast<double>(argmax(row)),
                 row);
    }
    const auto sums = tallied(layout, tallies);
    EXPECT_EQ(sums.size(), 6 + width);
    expect_metrics(set.at("metrics"), sums);
  }
}

TEST(Reference, ValuesEqualMmsa) {
  const Json sets = reference().at("values");
  ASSERT_EQ(sets.size(), 3U);
  for (const Json& set : sets) {
    const auto truth = set.at("truth").get<std::vector<float>>();
    const auto predicted = set.at("predicted").get<std::vector<float>>();
    const SentimentMetrics metrics = sentiment_metrics(truth, predicted);
    const std::map<std::string, double> direct = {{"acc2_non0", metrics.accuracy},
                                                  {"f1_non0", metrics.weighted_f1},
                                                  {"acc2_has0", metrics.has0_accuracy},
                                                  {"f1_has0", metrics.has0_f1},
                                                  {"acc3", metrics.acc3},
                                                  {"acc5", metrics.acc5},
                                                  {"acc7", metrics.acc7},
                                                  {"mae", metrics.mae},
                                                  {"correlation", metrics.correlation},
                                                  {"ccc", metrics.ccc}};
    expect_metrics(set.at("metrics"), direct);
    const TallyLayout layout(TaskKind::kValue, {});
    std::vector<std::vector<double>> tallies(3, std::vector<double>(layout.width()));
    for (std::size_t i = 0; i < truth.size(); ++i) {
      layout.add(tallies[i % 3], static_cast<double>(truth[i]), static_cast<double>(predicted[i]));
    }
    const auto sums = tallied(layout, tallies);
    EXPECT_EQ(sums.size(), direct.size());
    expect_metrics(set.at("metrics"), sums);
  }
}

/// Compares the metrics of several labels or values, their means included.
void expect_targets(const Json& set, TaskKind kind) {
  const auto names = set.at("names").get<std::vector<std::string>>();
  const auto truth = set.at("truth").get<std::vector<float>>();
  const auto predicted = set.at("predicted").get<std::vector<float>>();
  const TallyLayout layout(kind, names);
  std::vector<std::vector<double>> tallies(2, std::vector<double>(layout.width()));
  for (std::size_t i = 0; i < truth.size(); i += names.size()) {
    layout.add_targets(tallies[i % 2], std::span(truth).subspan(i, names.size()),
                       std::span(predicted).subspan(i, names.size()));
  }
  const auto metrics = tallied(layout, tallies);
  EXPECT_EQ(metrics.size(), set.at("metrics").size());
  expect_metrics(set.at("metrics"), metrics);
}

TEST(Reference, SeveralLabelsEqualScikitLearn) {
  expect_targets(reference().at("labels"), TaskKind::kLabels);
}

TEST(Reference, SeveralValuesEqualNumpy) {
  expect_targets(reference().at("several_values"), TaskKind::kValues);
}

}  // namespace
}  // namespace hardy
