#include "methods/hardymer/neighbours.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace hardy {
namespace {

const Pattern kBoth = Pattern::complete(2);

TEST(Neighbours, AQueryNeverFindsItselfAndKMayExceedTheDatabase) {
  const std::vector<float> line = {0, 1, 3};
  const NeighbourSearch search({{line, 1, Metric::kL2}}, std::vector<Pattern>(3, Pattern(1)), 5);
  const auto table = search.neighbours(Pattern(1));
  EXPECT_EQ(table.counts, (std::vector<std::int64_t>{2, 2, 2}));
  EXPECT_EQ(table.ids[0], 1);
  EXPECT_EQ(table.ids[1], 2);
  EXPECT_EQ(table.ids[2], -1);
  EXPECT_FLOAT_EQ(table.distances[1], 3.0F);
}

TEST(Neighbours, RankingUsesTheMeanOverTheAvailableModalities) {
  // Utterance 1 is nearest to 0 in the first modality, 2 in the second; over both, 2 is nearer.
  const std::vector<float> first = {0, 1, 2, 50};
  const std::vector<float> second = {0, 9, 1, 50};
  const NeighbourSearch search({{first, 1, Metric::kL2}, {second, 1, Metric::kL2}},
                               std::vector<Pattern>(4, kBoth), 2);
  EXPECT_EQ(search.neighbours(Pattern(1)).ids[0], 1);
  const auto both = search.neighbours(kBoth);
  EXPECT_EQ(both.ids[0], 2);
  EXPECT_FLOAT_EQ(both.distances[0], 1.5F);
}

TEST(Neighbours, CosineIgnoresLengthButDistancesDoNot) {
  const std::vector<float> rows = {1, 0, 10, 0.1F, 0, 1};
  const NeighbourSearch search({{rows, 2, Metric::kCosine}}, std::vector<Pattern>(3, Pattern(1)),
                               1);
  const auto table = search.neighbours(Pattern(1));
  EXPECT_EQ(table.ids[0], 1);
  EXPECT_NEAR(table.distances[0], std::sqrt(81.01), 1e-4);
}

TEST(Neighbours, AMissingModalityNeitherFindsNorIsFound) {
  const std::vector<float> first = {0, 0.1F, 5};
  const std::vector<float> second = {0, 7, 1};
  // Utterance 1 lacks the first modality, so its (close) value there must not count.
  const NeighbourSearch search({{first, 1, Metric::kL2}, {second, 1, Metric::kL2}},
                               {kBoth, Pattern(2), kBoth}, 1);
  EXPECT_EQ(search.neighbours(Pattern(1)).ids[0], 2);
  EXPECT_EQ(search.neighbours(Pattern(1)).counts[1], 0);
}

TEST(Neighbours, OneUtteranceHasNone) {
  const std::vector<float> one = {1};
  const NeighbourSearch search({{one, 1, Metric::kL2}}, {Pattern(1)}, 3);
  EXPECT_EQ(search.neighbours(Pattern(1)).counts[0], 0);
}

TEST(Neighbours, RowsReadInPlaceAreThoseOfAStandardisedCopy) {
  constexpr std::size_t kStored = 90;
  std::vector<float> stored;
  for (std::size_t i = 0; i < 2 * kStored; ++i) {
    stored.push_back(static_cast<float>(i * 7919 % 601));
  }
  std::vector<std::int64_t> places;
  std::vector<float> copy;
  const std::vector<float> mean = {300, 250};
  const std::vector<float> deviation = {170, 90};
  const std::vector<float> lowest = {-1.5F, -2};
  const std::vector<float> highest = {1.25F, 2};
  for (std::size_t place = 1; place < kStored; place += 2) {
    places.push_back(static_cast<std::int64_t>(place));
    for (std::size_t j = 0; j < 2; ++j) {
      const float scaled = (stored[2 * place + j] - mean[j]) / deviation[j];
      copy.push_back(std::min(std::max(scaled, lowest[j]), highest[j]));
    }
  }
  const std::vector<Pattern> present(places.size(), Pattern(1));
  for (const auto metric : {Metric::kL2, Metric::kCosine}) {
    const DatabaseView in_place = {stored, 2, metric, places, {mean, deviation, lowest, highest}};
    for (const auto kind : {SearchKind::kExact, SearchKind::kLists}) {
      const auto found = NeighbourSearch({in_place}, present, 4, kind).neighbours(Pattern(1));
      const auto wanted =
          NeighbourSearch({{copy, 2, metric}}, present, 4, kind).neighbours(Pattern(1));
      EXPECT_EQ(found.ids, wanted.ids);
      EXPECT_EQ(found.distances, wanted.distances);
    }
  }
}

TEST(Neighbours, ListsFindTheSameAndSayHowWell) {
  std::vector<float> first;
  std::vector<float> second;
  for (int i = 0; i < 600; ++i) {
    first.push_back(static_cast<float>(i % 30) + 0.01F * static_cast<float>(i * 7919 % 601));
    second.push_back(static_cast<float>(i * 31 % 607));
  }
  std::vector<Pattern> present(600, kBoth);
  present[3] = Pattern(2);
  const std::vector<DatabaseView> views = {{first, 1, Metric::kL2}, {second, 1, Metric::kL2}};
  const NeighbourSearch exact(views, present, 5);
  const NeighbourSearch lists(views, present, 5, SearchKind::kLists);
  EXPECT_TRUE(exact.reports().empty());
  ASSERT_EQ(lists.reports().size(), 2U);
  EXPECT_EQ(lists.reports()[0].rows, 599);
  EXPECT_EQ(lists.reports()[1].rows, 600);
  for (const auto& report : lists.reports()) EXPECT_GE(report.recall, 0.99);
  for (const auto pattern : {Pattern(1), Pattern(2), kBoth}) {
    const auto wanted = exact.neighbours(pattern);
    const auto found = lists.neighbours(pattern);
    int same = 0;
    for (std::size_t i = 0; i < wanted.ids.size(); ++i)
      same += wanted.ids[i] == found.ids[i] ? 1 : 0;
    EXPECT_GE(same, static_cast<int>(0.97 * 3000)) << pattern.bits();
    EXPECT_EQ(found.counts, wanted.counts);
  }
}

TEST(Neighbours, DefectH7SearchesTheFirstModalityAlone) {
  // By the first modality 1 is nearest to 0, by the second 2, by both 2.
  const std::vector<float> first = {0, 1, 2, 50};
  const std::vector<float> second = {0, 9, 1, 50};
  const NeighbourSearch search({{first, 1, Metric::kL2}, {second, 1, Metric::kL2}},
                               {kBoth, kBoth, kBoth, Pattern(2)}, 2);
  const auto by_first = search.neighbours_in_first(kBoth, {0, 1});
  EXPECT_EQ(by_first.ids[0], 1);
  EXPECT_FLOAT_EQ(by_first.distances[0], 1.0F);
  EXPECT_EQ(search.neighbours_in_first(kBoth, {1, 0}).ids[0], 2);
  EXPECT_EQ(search.neighbours(kBoth).ids[0], 2);
  // Utterance 3 lacks the first modality: the second is its first available one.
  EXPECT_EQ(by_first.ids[3 * 2], 1);
  EXPECT_EQ(search.neighbours_in_first(Pattern(1), {0, 1}).counts[3], 0);
}

}  // namespace
}  // namespace hardy
