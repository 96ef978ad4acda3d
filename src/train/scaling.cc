#include "train/scaling.h"

#include <torch/types.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace hardy {
namespace {

/// Standard deviations below this mean a constant column: dividing by them would amplify noise.
constexpr double kConstantColumn = 1e-6;

/// Columns and rows of a large corpus whose statistics are taken at once.
constexpr std::int64_t kColumnsAtOnce = 16;
constexpr std::int64_t kRowsAtOnce = 4096;

/// A limit that no value reaches.
constexpr float kNoLimit = std::numeric_limits<float>::max();

std::vector<std::int64_t> having(const FeatureTable& table, const std::vector<std::int64_t>& rows,
                                 int m) {
  std::vector<std::int64_t> result;
  for (const auto row : rows) {
    if (table.present[static_cast<std::size_t>(row)].has(m)) result.push_back(row);
  }
  return result;
}

/// Of rows that are in memory. Shapes: plain [n, d], n >= 1.
ColumnScaling scaling_of(const at::Tensor& plain) {
  ColumnScaling scaling;
  const auto values = plain.to(at::kDouble);
  const auto mean = values.mean(0);
  const auto deviation = (values - mean).square().mean(0).sqrt();
  scaling.mean = mean.to(at::kFloat);
  scaling.deviation =
      at::where(deviation > kConstantColumn, deviation, at::ones_like(deviation)).to(at::kFloat);
  const auto scaled = plain.sub(scaling.mean).div_(scaling.deviation);
  const auto [lowest, highest] = at::aminmax(scaled, 0);
  const auto range = highest - lowest;
  scaling.lowest = lowest - range;
  scaling.highest = highest + range;
  return scaling;
}

/// The same, some columns after the others: a column's statistics do not depend on its neighbours.
ColumnScaling scaling_by_columns(const FeatureRows& features, const at::Tensor& rows) {
  std::vector<ColumnScaling> parts;
  for (std::int64_t first = 0; first < features.size(1); first += kColumnsAtOnce) {
    const auto count = std::min(kColumnsAtOnce, features.size(1) - first);
    parts.push_back(scaling_of(features.columns(first, count).index_select(0, rows)));
  }
  const auto join = [&](at::Tensor ColumnScaling::*field) {
    std::vector<at::Tensor> pieces;
    for (const auto& part : parts) pieces.push_back(part.*field);
    return at::cat(pieces);
  };
  return {join(&ColumnScaling::mean), join(&ColumnScaling::deviation), join(&ColumnScaling::lowest),
          join(&ColumnScaling::highest)};
}

/// The same by three passes over the rows, each of which is read once from one end to the other.
/// Sums are taken in another order, so the last digit may differ from that of scaling_of.
ColumnScaling scaling_by_rows(const FeatureRows& features, const at::Tensor& rows) {
  const auto each_part = [&](const std::function<void(const at::Tensor&)>& visit) {
    for (std::int64_t first = 0; first < rows.size(0); first += kRowsAtOnce) {
      const auto count = std::min(kRowsAtOnce, rows.size(0) - first);
      visit(features.index_select(0, rows.narrow(0, first, count)));
    }
  };
  const auto n = static_cast<double>(rows.size(0));
  ColumnScaling scaling;
  auto sum = at::zeros({features.size(1)}, features.options().dtype(at::kDouble));
  each_part([&](const at::Tensor& part) { sum.add_(part.to(at::kDouble).sum(0)); });
  const auto mean = sum / n;
  auto squares = at::zeros_like(sum);
  each_part(
      [&](const at::Tensor& part) { squares.add_((part.to(at::kDouble) - mean).square().sum(0)); });
  const auto deviation = (squares / n).sqrt();
  scaling.mean = mean.to(at::kFloat);
  scaling.deviation =
      at::where(deviation > kConstantColumn, deviation, at::ones_like(deviation)).to(at::kFloat);
  at::Tensor lowest;
  at::Tensor highest;
  each_part([&](const at::Tensor& part) {
    const auto scaled = part.sub(scaling.mean).div_(scaling.deviation);
    const auto [low, high] = at::aminmax(scaled, 0);
    lowest = lowest.defined() ? at::minimum(lowest, low) : low;
    highest = highest.defined() ? at::maximum(highest, high) : high;
  });
  const auto range = highest - lowest;
  scaling.lowest = lowest - range;
  scaling.highest = highest + range;
  return scaling;
}

ColumnScaling fit_columns(const FeatureRows& features, const at::Tensor& rows,
                          const ScalingLimits& limits) {
  if (rows.size(0) > limits.rows) return scaling_by_rows(features, rows);
  const bool is_small = rows.size(0) * features.size(1) <= limits.numbers;
  return is_small ? scaling_of(features.index_select(0, rows)) : scaling_by_columns(features, rows);
}

}  // namespace

Scaling fit_scaling(const FeatureTable& table, const std::vector<std::int64_t>& utterances,
                    const ScalingLimits& limits) {
  at::NoGradGuard no_gradient;
  Scaling scaling;
  for (int m = 0; m < table.modality_count(); ++m) {
    const auto& features = table.features[static_cast<std::size_t>(m)];
    const auto rows = having(table, utterances, m);
    if (rows.empty()) {
      scaling.mean.push_back(at::zeros({features.size(1)}, features.options()));
      scaling.deviation.push_back(at::ones({features.size(1)}, features.options()));
      scaling.lowest.push_back(at::full({features.size(1)}, -kNoLimit, features.options()));
      scaling.highest.push_back(at::full({features.size(1)}, kNoLimit, features.options()));
      continue;
    }
    auto columns = fit_columns(features, index_tensor(rows, features.device()), limits);
    scaling.mean.push_back(std::move(columns.mean));
    scaling.deviation.push_back(std::move(columns.deviation));
    scaling.lowest.push_back(std::move(columns.lowest));
    scaling.highest.push_back(std::move(columns.highest));
  }
  return scaling;
}

FeatureTable apply_scaling(const FeatureTable& table, const Scaling& scaling,
                           const ScalingLimits& limits) {
  at::NoGradGuard no_gradient;
  FeatureTable scaled;
  scaled.present = table.present;
  scaled.speakers = table.speakers;
  for (std::size_t m = 0; m < table.features.size(); ++m) {
    const auto size = static_cast<std::int64_t>(table.present.size());
    auto absent = at::zeros({size}, at::TensorOptions(at::kBool));
    bool has_absent = false;
    for (std::int64_t i = 0; i < size; ++i) {
      if (table.present[static_cast<std::size_t>(i)].has(static_cast<int>(m))) continue;
      absent.data_ptr<bool>()[i] = true;
      has_absent = true;
    }
    const FeatureRows rows(
        table.features[m].all(),
        {scaling.mean[m], scaling.deviation[m], scaling.lowest[m], scaling.highest[m]},
        has_absent ? absent.to(table.features[m].device()) : at::Tensor());
    const bool is_small = rows.size(0) * rows.size(1) <= limits.copied_numbers;
    scaled.features.push_back(is_small ? FeatureRows(rows.all()) : rows);
  }
  return scaled;
}

}  // namespace hardy
