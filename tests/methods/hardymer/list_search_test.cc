#include "methods/hardymer/list_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/random.h"

namespace hardy {
namespace {

/// Rows around n / 50 centres.
std::vector<float> clustered(std::int64_t n, std::int64_t width) {
  Generator random = Seeds(5).stream("rows");
  const std::int64_t clusters = std::max<std::int64_t>(1, n / 50);
  std::vector<float> centres(static_cast<std::size_t>(clusters * width));
  for (auto& x : centres) x = static_cast<float>(10 * draw_unit(random));
  std::vector<float> rows;
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < width; ++j) {
      const auto centre = centres[static_cast<std::size_t>(i % clusters * width + j)];
      rows.push_back(centre + static_cast<float>(draw_unit(random)));
    }
  }
  return rows;
}

std::vector<std::int64_t> by_hand(const std::vector<float>& rows, std::int64_t width,
                                  std::int64_t query, std::int64_t k) {
  std::vector<std::pair<double, std::int64_t>> all;
  const auto n = static_cast<std::int64_t>(rows.size()) / width;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i == query) continue;
    double squares = 0;
    for (std::int64_t j = 0; j < width; ++j) {
      const double difference =
          static_cast<double>(rows[static_cast<std::size_t>(i * width + j)]) -
          static_cast<double>(rows[static_cast<std::size_t>(query * width + j)]);
      squares += difference * difference;
    }
    all.emplace_back(squares, i);
  }
  std::sort(all.begin(), all.end());
  std::vector<std::int64_t> ids(static_cast<std::size_t>(k), -1);
  for (std::size_t j = 0; j < ids.size() && j < all.size(); ++j) ids[j] = all[j].second;
  return ids;
}

/// The share of the true neighbours of every row that was found.
double recall_by_hand(const ListSearchResult& found, const std::vector<float>& rows,
                      std::int64_t width, std::int64_t k) {
  std::int64_t hits = 0;
  for (std::int64_t i = 0; i < found.report.rows; ++i) {
    const auto truth = by_hand(rows, width, i, k);
    const auto first = found.nearest.begin() + i * k;
    for (const auto id : truth) hits += std::count(first, first + k, id);
  }
  return static_cast<double>(hits) / static_cast<double>(found.report.rows * k);
}

TEST(ListSearch, FindsWhatItSaysItFinds) {
  constexpr std::int64_t kWidth = 12;
  const auto rows = clustered(2000, kWidth);
  const auto found = search_by_lists(RowSource(rows, kWidth, {}, false), 5, 0.99);
  EXPECT_GE(found.report.recall, 0.99);
  EXPECT_EQ(found.report.queries, 500);
  EXPECT_LT(found.report.probes, found.report.lists / 2);
  EXPECT_NEAR(recall_by_hand(found, rows, kWidth, 5), found.report.recall, 0.01);
}

TEST(ListSearch, IsExactWhenItLooksIntoEveryList) {
  constexpr std::int64_t kWidth = 3;
  const auto rows = clustered(300, kWidth);
  const auto found =
      search_by_lists(RowSource(rows, kWidth, {}, false), 4, 2.0);  // more than there can be
  EXPECT_EQ(found.report.probes, found.report.lists);
  EXPECT_GT(found.report.lists, 10);
  for (std::int64_t i = 0; i < 300; ++i) {
    const auto first = found.nearest.begin() + i * 4;
    EXPECT_EQ(std::vector<std::int64_t>(first, first + 4), by_hand(rows, kWidth, i, 4)) << i;
  }
}

TEST(ListSearch, GivesTheSameTwice) {
  const auto rows = clustered(1000, 8);
  const auto once = search_by_lists(RowSource(rows, 8, {}, false), 3, 0.99);
  const auto twice = search_by_lists(RowSource(rows, 8, {}, false), 3, 0.99);
  EXPECT_EQ(once.nearest, twice.nearest);
  EXPECT_EQ(once.report.probes, twice.report.probes);
}

TEST(ListSearch, LeavesTheRowItselfOutAndIsShortWhereRowsAreFew) {
  const std::vector<float> rows = {0, 1, 3};
  const auto found = search_by_lists(RowSource(rows, 1, {}, false), 4, 0.99);
  EXPECT_EQ(found.nearest, (std::vector<std::int64_t>{1, 2, -1, -1, 0, 2, -1, -1, 1, 0, -1, -1}));
  const std::vector<float> seven = {7};
  EXPECT_EQ(search_by_lists(RowSource(seven, 1, {}, false), 2, 0.99).nearest,
            (std::vector<std::int64_t>{-1, -1}));
  EXPECT_TRUE(search_by_lists(RowSource({}, 1, {}, false), 2, 0.99).nearest.empty());
}

TEST(ListSearch, EqualRowsFindEachOther) {
  const std::vector<float> rows(400, 2.5F);
  const auto found = search_by_lists(RowSource(rows, 4, {}, false), 3, 0.99);
  for (std::int64_t i = 0; i < 100; ++i) {
    const auto first = found.nearest.begin() + i * 3;
    const std::set<std::int64_t> ids(first, first + 3);
    EXPECT_EQ(ids.size(), 3U);
    EXPECT_FALSE(ids.contains(i));
    EXPECT_FALSE(ids.contains(-1));
  }
}

TEST(RowSource, ShowsMembersAndScalesThem) {
  const std::vector<float> rows = {3, 4, 0, 0, 6, 8};
  const std::vector<std::int64_t> members = {2, 1};
  EXPECT_EQ(RowSource(rows, 2, {}, false).size(), 3);
  EXPECT_EQ(RowSource(rows, 2, members, false).block(0, 2), (std::vector<float>{6, 8, 0, 0}));
  const RowSource scaled(rows, 2, members, true);
  std::vector<float> gathered;
  scaled.gather(std::vector<std::int64_t>{1, 0}, gathered);
  EXPECT_EQ(scaled.size(), 2);
  EXPECT_EQ(gathered, (std::vector<float>{0, 0, 0.6F, 0.8F}));
}

TEST(ListSearch, EndsWhereverItIsStopped) {
  std::vector<float> rows;
  for (int i = 0; i < 2000; ++i) rows.push_back(static_cast<float>(i * 7919 % 601));
  int checks = 0;
  const auto whole =
      search_by_lists(RowSource(rows, 2, {}, false), 3, 0.99, [&checks] { ++checks; });
  EXPECT_GT(checks, 20);
  EXPECT_EQ(whole.nearest, search_by_lists(RowSource(rows, 2, {}, false), 3, 0.99).nearest);
  for (const int last : {1, checks / 2, checks}) {
    int left = last;
    EXPECT_THROW(search_by_lists(RowSource(rows, 2, {}, false), 3, 0.99,
                                 [&left] {
                                   if (--left == 0) throw std::runtime_error("stopped");
                                 }),
                 std::runtime_error);
  }
}

TEST(RowSource, StandardisesAndLimitsRowsThatAreStoredElsewhere) {
  const std::vector<float> rows = {3, 4, 0, 0, 6, 8};
  const std::vector<std::int64_t> places = {2, 0};
  const std::vector<float> mean = {1, 0};
  const std::vector<float> deviation = {2, 4};
  const std::vector<float> lowest = {-1, 1.25F};
  const std::vector<float> highest = {2, 1.5F};
  const auto source =
      RowSource(rows, 2, {}, false).stored_at(places, {mean, deviation, lowest, highest});
  EXPECT_EQ(source.size(), 2);
  EXPECT_EQ(source.block(0, 2), (std::vector<float>{2, 1.5F, 1, 1.25F}));
}

}  // namespace
}  // namespace hardy
