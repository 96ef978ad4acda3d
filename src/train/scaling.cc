#include "train/scaling.h"

#include <torch/types.h>

#include <limits>

namespace hardy {
namespace {

/// Standard deviations below this mean a constant column: dividing by them would amplify noise.
constexpr double kConstantColumn = 1e-6;

/// A clip range without effect.
constexpr float kNoLimit = std::numeric_limits<float>::max();

std::vector<std::int64_t> having(const FeatureTable& table, const std::vector<std::int64_t>& rows,
                                 int m) {
  std::vector<std::int64_t> result;
  for (const auto row : rows) {
    if (table.present[static_cast<std::size_t>(row)].has(m)) result.push_back(row);
  }
  return result;
}

}  // namespace

Scaling fit_scaling(const FeatureTable& table, const std::vector<std::int64_t>& utterances) {
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
    const auto plain = features.index_select(0, index_tensor(rows, features.device()));
    const auto values = plain.to(at::kDouble);
    const auto mean = values.mean(0);
    const auto deviation = (values - mean).square().mean(0).sqrt();
    scaling.mean.push_back(mean.to(at::kFloat));
    scaling.deviation.push_back(
        at::where(deviation > kConstantColumn, deviation, at::ones_like(deviation)).to(at::kFloat));
    const auto scaled = plain.sub(scaling.mean.back()).div_(scaling.deviation.back());
    const auto [lowest, highest] = at::aminmax(scaled, 0);
    const auto range = highest - lowest;
    scaling.lowest.push_back(lowest - range);
    scaling.highest.push_back(highest + range);
  }
  return scaling;
}

FeatureTable apply_scaling(const FeatureTable& table, const Scaling& scaling) {
  at::NoGradGuard no_gradient;
  FeatureTable scaled;
  scaled.present = table.present;
  scaled.speakers = table.speakers;
  for (std::size_t m = 0; m < table.features.size(); ++m) {
    auto values = table.features[m].sub(scaling.mean[m]).div_(scaling.deviation[m]);
    values.clamp_(scaling.lowest[m], scaling.highest[m]);
    for (std::size_t i = 0; i < table.present.size(); ++i) {
      if (!table.present[i].has(static_cast<int>(m))) values[static_cast<std::int64_t>(i)].zero_();
    }
    scaled.features.push_back(values);
  }
  return scaled;
}

}  // namespace hardy
