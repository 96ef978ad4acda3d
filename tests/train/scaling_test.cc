// Standardisation and the clip range.
#include "train/scaling.h"

#include <torch/types.h>

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.h"

namespace hardy {
namespace {

/// One modality of two columns; the second is constant in the first three utterances.
FeatureTable table_of(const std::vector<float>& values, const std::vector<Pattern>& present) {
  const auto n = static_cast<std::int64_t>(present.size());
  FeatureTable table;
  table.features = {at::tensor(values).view({n, 2})};
  table.present = present;
  table.speakers.assign(present.size(), 0);
  return table;
}

const Pattern kHere(0b1);
const Pattern kAbsent(0b0);

std::vector<float> values_of(const at::Tensor& tensor) {
  const auto flat = tensor.contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

TEST(Scaling, HandWorked) {
  // Column 0 of the training part: 1, 3, 5; mean 3, deviation sqrt(8 / 3).
  const auto table = table_of({1, 2, 3, 2, 5, 2, 4, 2}, {kHere, kHere, kHere, kHere});
  const auto scaling = fit_scaling(table, {0, 1, 2});
  const float deviation = std::sqrt(8.0F / 3);
  EXPECT_FLOAT_EQ(values_of(scaling.mean[0])[0], 3);
  EXPECT_FLOAT_EQ(values_of(scaling.deviation[0])[0], deviation);
  EXPECT_FLOAT_EQ(values_of(scaling.deviation[0])[1], 1);
  // The span from 1 to 5 is 4: the clip range is -3 to 9, before scaling.
  EXPECT_FLOAT_EQ(values_of(scaling.lowest[0])[0], -6 / deviation);
  EXPECT_FLOAT_EQ(values_of(scaling.highest[0])[0], 6 / deviation);
  EXPECT_FLOAT_EQ(values_of(apply_scaling(table, scaling).features[0].all())[6], 1 / deviation);
}

TEST(Scaling, TouchesNoTrainingValueAndLimitsOthers) {
  const auto table =
      table_of({1, 2, 3, 2, 5, 2, 1000, 7, -1000, -7}, {kHere, kHere, kHere, kHere, kHere});
  const auto scaling = fit_scaling(table, {0, 1, 2});
  const auto scaled = values_of(apply_scaling(table, scaling).features[0].all());
  const auto plain = values_of((table.features[0].all() - scaling.mean[0]) / scaling.deviation[0]);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(scaled[i], plain[i]) << i;
  EXPECT_EQ(scaled[6], values_of(scaling.highest[0])[0]);
  EXPECT_EQ(scaled[8], values_of(scaling.lowest[0])[0]);
  // A constant column of the training part has no effect later.
  EXPECT_EQ(scaled[7], 0);
  EXPECT_EQ(scaled[9], 0);
}

TEST(Scaling, LeavesAbsentRowsAtZeroAndIgnoresThem) {
  const auto table = table_of({1, 2, 3, 2, 500, 500, 5, 2}, {kHere, kHere, kAbsent, kHere});
  const auto scaling = fit_scaling(table, {0, 1, 2, 3});
  EXPECT_FLOAT_EQ(values_of(scaling.mean[0])[0], 3);
  const auto scaled = values_of(apply_scaling(table, scaling).features[0].all());
  EXPECT_EQ(scaled[4], 0);
  EXPECT_EQ(scaled[5], 0);
}

TEST(Scaling, HasNoLimitsWhereNothingWasThereToTrainOn) {
  const auto table = table_of({0, 0, 4, 5e8F}, {kAbsent, kHere});
  const auto scaling = fit_scaling(table, {0});
  EXPECT_EQ(values_of(apply_scaling(table, scaling).features[0].all()),
            (std::vector<float>{0, 0, 4, 5e8F}));
}

/// `rows` x `width` numbers that differ in size from column to column; every ninth row is absent.
FeatureTable large_table(std::int64_t rows, std::int64_t width) {
  Generator draws(5);
  FeatureTable table;
  auto values = at::empty({rows, width});
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < width; ++j) {
      values.data_ptr<float>()[i * width + j] =
          static_cast<float>((draw_normal(draws) + 3) * std::exp(static_cast<double>(j % 7)));
    }
    table.present.push_back(i % 9 == 4 ? kAbsent : kHere);
  }
  table.features = {values};
  table.speakers.assign(table.present.size(), 0);
  return table;
}

std::vector<std::int64_t> first_rows(std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

void expect_same_bits(const Scaling& x, const Scaling& y) {
  EXPECT_TRUE(at::equal(x.mean[0], y.mean[0]));
  EXPECT_TRUE(at::equal(x.deviation[0], y.deviation[0]));
  EXPECT_TRUE(at::equal(x.lowest[0], y.lowest[0]));
  EXPECT_TRUE(at::equal(x.highest[0], y.highest[0]));
}

TEST(Scaling, ColumnByColumnGivesTheSameBits) {
  for (const auto& [rows, width] : {std::pair(1000, 200), std::pair(37, 64), std::pair(3001, 67)}) {
    const auto table = large_table(rows, width);
    const auto train = first_rows(rows - 5);
    expect_same_bits(fit_scaling(table, train), fit_scaling(table, train, {.numbers = 1}));
  }
}

TEST(Scaling, RowByRowGivesTheSameNumbers) {
  const auto table = large_table(9000, 10);
  const auto train = first_rows(8990);
  const auto whole = fit_scaling(table, train);
  const auto streamed = fit_scaling(table, train, {.rows = 1});
  EXPECT_TRUE(at::allclose(whole.mean[0], streamed.mean[0], 1e-6, 0));
  EXPECT_TRUE(at::allclose(whole.deviation[0], streamed.deviation[0], 1e-6, 0));
  EXPECT_TRUE(at::allclose(whole.lowest[0], streamed.lowest[0], 1e-6, 0));
  EXPECT_TRUE(at::allclose(whole.highest[0], streamed.highest[0], 1e-6, 0));
}

TEST(Scaling, OfRowsWhenTheyAreTakenGivesTheSameBits) {
  const auto table = large_table(100, 33);
  const auto scaling = fit_scaling(table, first_rows(70));
  const auto copied = apply_scaling(table, scaling).features[0];
  const auto taken = apply_scaling(table, scaling, {.copied_numbers = 0}).features[0];
  EXPECT_TRUE(at::equal(copied.all(), taken.all()));
  const auto index = at::tensor(std::vector<std::int64_t>{99, 4, 4, 0, 13});
  EXPECT_TRUE(at::equal(copied.index_select(0, index), taken.index_select(0, index)));
  EXPECT_TRUE(at::equal(copied[4], at::zeros({33})));
  EXPECT_TRUE(at::equal(taken[4], at::zeros({33})));
  // Rows that are taken away later are zero as well, and the original stays.
  auto absent = at::zeros({100}, at::kBool);
  absent[0] = true;
  EXPECT_TRUE(at::equal(taken.without(absent)[0], at::zeros({33})));
  EXPECT_TRUE(at::equal(copied.without(absent).all(), taken.without(absent).all()));
  EXPECT_FALSE(at::equal(taken[0], at::zeros({33})));
}

}  // namespace
}  // namespace hardy
