// t-SNE on points with a known map.
#include "experiments/tsne.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::int64_t kWidth = 8;

/// `count` points in each of two balls of radius about 1 whose centres are `gap` apart.
std::vector<float> two_clusters(std::int64_t count, float gap) {
  Generator generator = Seeds(3).stream("points");
  std::vector<float> rows;
  for (std::int64_t i = 0; i < 2 * count; ++i) {
    for (std::int64_t d = 0; d < kWidth; ++d) {
      const float centre = i < count || d > 0 ? 0.0F : gap;
      rows.push_back(centre + static_cast<float>(draw_normal(generator)) / 3);
    }
  }
  return rows;
}

double distance(const std::vector<double>& places, std::size_t i, std::size_t j) {
  return std::hypot(places[2 * i] - places[2 * j], places[2 * i + 1] - places[2 * j + 1]);
}

/// Share of points whose nearest neighbour on the map is in the same half.
double own_half(const std::vector<double>& places) {
  const std::size_t n = places.size() / 2;
  std::size_t own = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t nearest = i == 0 ? 1 : 0;
    for (std::size_t j = 0; j < n; ++j) {
      if (j != i && distance(places, i, j) < distance(places, i, nearest)) nearest = j;
    }
    own += (nearest < n / 2) == (i < n / 2) ? 1 : 0;
  }
  return static_cast<double>(own) / static_cast<double>(n);
}

TEST(Tsne, SeparatesTwoClusters) {
  const auto places = tsne(two_clusters(40, 6), kWidth);
  ASSERT_EQ(places.size(), 160U);
  EXPECT_EQ(own_half(places), 1.0);
  // The halves are separate: the largest distance within is below the smallest between them.
  double within = 0;
  double between = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < 80; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double d = distance(places, i, j);
      if ((i < 40) == (j < 40)) {
        within = std::max(within, d);
      } else {
        between = std::min(between, d);
      }
    }
  }
  EXPECT_GT(between, 0.5 * within);
}

TEST(Tsne, ShowsNoClustersWhereThereAreNone) {
  EXPECT_LT(own_half(tsne(two_clusters(40, 0), kWidth)), 0.75);
}

TEST(Tsne, TheOrderOfRowsChangesNothing) {
  const auto rows = two_clusters(20, 4);
  const auto places = tsne(rows, kWidth);
  Generator generator = Seeds(9).stream("order");
  const auto order = draw_permutation(generator, 40);
  std::vector<float> shuffled;
  for (const auto i : order) {
    const auto begin = rows.begin() + i * kWidth;
    shuffled.insert(shuffled.end(), begin, begin + kWidth);
  }
  const auto others = tsne(shuffled, kWidth);
  for (std::size_t i = 0; i < 40; ++i) {
    const auto from = static_cast<std::size_t>(order[i]);
    EXPECT_EQ(others[2 * i], places[2 * from]);
    EXPECT_EQ(others[2 * i + 1], places[2 * from + 1]);
  }
}

TEST(Tsne, EqualCallsGiveEqualBits) {
  const auto rows = two_clusters(10, 4);
  EXPECT_EQ(tsne(rows, kWidth), tsne(rows, kWidth));
  // The start is determined up to rounding, for any stream.
  EXPECT_NEAR(principal_plane(rows, kWidth, 1)[0], principal_plane(rows, kWidth, 2)[0], 1e-6);
}

TEST(Tsne, FewPointsAreShownByTheirComponents) {
  EXPECT_TRUE(tsne({}, kWidth).empty());
  const std::vector<float> one(kWidth, 2.0F);
  EXPECT_EQ(tsne(one, kWidth), (std::vector<double>{0, 0}));
  // Three points on a line: positions on a line, in order, standard deviation 1.
  const std::vector<float> line = {0, 0, 1, 0, 2, 0};
  const auto places = tsne(line, 2);
  EXPECT_NEAR(std::abs(places[4] - places[0]), 2 * std::sqrt(1.5), 1e-9);
  EXPECT_NEAR(places[2], 0, 1e-9);
  for (const std::size_t i : {1U, 3U, 5U}) EXPECT_EQ(places[i], 0);
}

TEST(Tsne, EqualPointsShareAPlace) {
  auto rows = two_clusters(10, 4);
  std::copy(rows.begin(), rows.begin() + kWidth, rows.begin() + 5 * kWidth);
  const auto places = tsne(rows, kWidth);
  EXPECT_NEAR(distance(places, 0, 5), 0, 1e-6);
  EXPECT_GT(distance(places, 0, 15), 1);
  const auto all_equal = tsne(std::vector<float>(20 * kWidth, 1.0F), kWidth);
  for (const double x : all_equal) EXPECT_EQ(x, 0);
}

TEST(Tsne, RefusesWhatItCannotMap) {
  EXPECT_THROW((void)tsne(std::vector<float>(7), 2), ShapeError);
  EXPECT_THROW((void)tsne(std::vector<float>(kMaxTsnePoints + 1), 1), ShapeError);
  EXPECT_THROW((void)tsne(std::vector<float>{1, NAN}, 1), ShapeError);
}

}  // namespace
}  // namespace hardy
