#include "analysis/area_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "hardy/metrics.h"

namespace hardy {
namespace {

/// Drawn probabilities with many ties; utterance i is in cluster i % clusters.
struct Drawn {
  std::vector<AreaRow> rows;
  std::vector<float> probabilities;

  Drawn(std::size_t n, std::size_t classes, std::size_t clusters) {
    Generator generator(11);
    for (std::size_t i = 0; i < n; ++i) {
      rows.push_back({i % clusters, static_cast<std::size_t>(draw_index(
                                        generator, static_cast<std::int64_t>(classes)))});
      for (std::size_t c = 0; c < classes; ++c) {
        probabilities.push_back(static_cast<float>(draw_index(generator, 8)) / 8);
      }
    }
  }

  /// The metrics with every utterance repeated as often as its cluster's weight.
  [[nodiscard]] ProbabilityMetrics repeated(std::size_t classes,
                                            const std::vector<double>& weights) const {
    std::vector<std::int64_t> truth;
    std::vector<float> scores;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (int time = 0; time < static_cast<int>(weights[rows[i].cluster]); ++time) {
        truth.push_back(static_cast<std::int64_t>(rows[i].truth));
        for (std::size_t c = 0; c < classes; ++c) scores.push_back(probabilities[i * classes + c]);
      }
    }
    return probability_metrics(truth, scores, static_cast<std::int64_t>(classes));
  }
};

TEST(AreaTable, WeightsCountAsRepetitions) {
  for (const std::size_t classes : {2U, 3U, 5U}) {
    const Drawn drawn(90, classes, 4);
    const AreaTable table(drawn.rows, drawn.probabilities, classes);
    for (const std::vector<double>& weights :
         {std::vector<double>{1, 1, 1, 1}, {2, 0, 1, 1}, {0, 0, 3, 1}}) {
      const auto repeated = drawn.repeated(classes, weights);
      EXPECT_DOUBLE_EQ(table.area(weights), repeated.auroc) << classes;
      EXPECT_NEAR(table.risk(weights).area, repeated.aurc, 1e-12) << classes;
      EXPECT_NEAR(table.risk(weights).excess, repeated.excess_aurc, 1e-12) << classes;
    }
  }
}

TEST(AreaTable, OneClassHasNoArea) {
  const std::vector<AreaRow> rows = {{0, 1}, {1, 1}, {2, 0}};
  const std::vector<float> probabilities = {.4F, .6F, .3F, .7F, .9F, .1F};
  const AreaTable table(rows, probabilities, 2);
  EXPECT_DOUBLE_EQ(table.area(std::vector<double>{1, 1, 1}), 1);
  EXPECT_TRUE(std::isnan(table.area(std::vector<double>{1, 1, 0})));
  EXPECT_TRUE(AreaTable().is_empty());
}

}  // namespace
}  // namespace hardy
