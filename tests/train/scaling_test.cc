// Standardisation and the clip range.
#include "train/scaling.h"

#include <torch/types.h>

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

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
  EXPECT_FLOAT_EQ(values_of(apply_scaling(table, scaling).features[0])[6], 1 / deviation);
}

TEST(Scaling, TouchesNoTrainingValueAndLimitsOthers) {
  const auto table =
      table_of({1, 2, 3, 2, 5, 2, 1000, 7, -1000, -7}, {kHere, kHere, kHere, kHere, kHere});
  const auto scaling = fit_scaling(table, {0, 1, 2});
  const auto scaled = values_of(apply_scaling(table, scaling).features[0]);
  const auto plain = values_of((table.features[0] - scaling.mean[0]) / scaling.deviation[0]);
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
  const auto scaled = values_of(apply_scaling(table, scaling).features[0]);
  EXPECT_EQ(scaled[4], 0);
  EXPECT_EQ(scaled[5], 0);
}

TEST(Scaling, HasNoLimitsWhereNothingWasThereToTrainOn) {
  const auto table = table_of({0, 0, 4, 5e8F}, {kAbsent, kHere});
  const auto scaling = fit_scaling(table, {0});
  EXPECT_EQ(values_of(apply_scaling(table, scaling).features[0]),
            (std::vector<float>{0, 0, 4, 5e8F}));
}

}  // namespace
}  // namespace hardy
