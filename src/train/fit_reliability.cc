#include "train/fit_reliability.h"

#include <ATen/ops/linalg_eigh.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "inference/reliability.h"
#include "nn/batch.h"
#include "train/objective.h"

namespace hardy {
namespace {

/// More rows hardly move a covariance, but cost rows x columns^2.
constexpr std::int64_t kMostRows = 4096;
/// Directions kept of a modality; the others share one variance.
constexpr std::int64_t kMostDirections = 128;
/// Added to every variance, as a share of their mean: small ones are estimates of small samples.
constexpr double kFloor = 0.01;
/// Values kept of each measure; with more validation utterances the smallest promised rates are
/// exact, large ones are not needed.
constexpr std::size_t kMostValues = 1024;

/// Every n-th of the utterances that have the modality, at most kMostRows.
std::vector<std::int64_t> rows_having(const FeatureTable& table,
                                      const std::vector<std::int64_t>& utterances, int m) {
  std::vector<std::int64_t> rows;
  for (const auto u : utterances) {
    if (table.present[static_cast<std::size_t>(u)].has(m)) rows.push_back(u);
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  if (count <= kMostRows) return rows;
  std::vector<std::int64_t> some;
  for (std::int64_t i = 0; i < kMostRows; ++i) {
    some.push_back(rows[static_cast<std::size_t>(i * count / kMostRows)]);
  }
  return some;
}

struct Directions {
  std::int64_t count = 0;
  std::vector<float> basis;     ///< [count, d]
  std::vector<float> variance;  ///< [count + 1]
};

/// Principal directions of rows. Shapes: rows [n, d], n >= 2.
Directions principal_directions(const at::Tensor& rows) {
  const auto width = rows.size(1);
  const auto values = rows.to(at::kDouble);
  const auto centred = values - values.mean(0);
  const auto covariance = centred.t().matmul(centred) / static_cast<double>(rows.size(0));
  auto [variances, vectors] = at::linalg_eigh(covariance);  // ascending
  variances = variances.flip(0).clamp_min(0);
  vectors = vectors.flip(1);
  const double floor = kFloor * variances.mean().item<double>() + 1e-9;
  Directions result;
  result.count = std::min(width, kMostDirections);
  result.basis = to_floats(vectors.narrow(1, 0, result.count).t().contiguous().to(at::kFloat));
  auto kept = variances.narrow(0, 0, result.count) + floor;
  const double rest =
      result.count == width
          ? floor
          : variances.narrow(0, result.count, width - result.count).mean().item<double>() + floor;
  result.variance = to_floats(kept.to(at::kFloat));
  result.variance.push_back(static_cast<float>(rest));
  return result;
}

/// Values of each measure over the dialogues of the validation part, the largest first.
class ValidationValues {
 public:
  void add(const predict::StrangenessValues& values, bool has_previous) {
    for (std::size_t s = 0; s < predict::kStrangenessCount; ++s) {
      if (s == predict::kRepeated && !has_previous) continue;
      values_[s].push_back(static_cast<float>(values[s]));
    }
  }

  void store(const std::string& prefix, TensorFile& file) {
    std::vector<std::int64_t> counts;
    for (std::size_t s = 0; s < predict::kStrangenessCount; ++s) {
      auto& list = values_[s];
      counts.push_back(static_cast<std::int64_t>(list.size()));
      std::sort(list.begin(), list.end(), std::greater<>());
      list.resize(std::min(list.size(), kMostValues));
      const auto kept = static_cast<std::int64_t>(list.size());
      file.add(prefix + "." + predict::kStrangenessNames[s], {kept}, std::move(list));
    }
    const auto measures = static_cast<std::int64_t>(counts.size());
    file.add(prefix + ".counts", {measures}, std::move(counts));
  }

 private:
  std::array<std::vector<float>, predict::kStrangenessCount> values_;
};

void add_modality(const FoldData& data, int m, TensorFile& file) {
  const auto place = static_cast<std::size_t>(m);
  const auto& modality = data.corpus->modalities[place];
  const auto& rows = data.table.features[place];
  const auto train = rows_having(data.table, data.train, m);
  if (train.size() < 2) return;
  const auto directions =
      principal_directions(rows.index_select(0, index_tensor(train, rows.device())));
  predict::ReliabilityView view;
  view.width = modality.width;
  view.directions = directions.count;
  view.basis = directions.basis.data();
  view.variance = directions.variance.data();
  ValidationValues values;
  bool has_any = false;
  for (const auto d : data.fold.validation) {
    const auto& dialogue = data.corpus->dialogues[static_cast<std::size_t>(d)];
    const auto z = to_floats(rows.narrow_rows(dialogue.first, dialogue.count).contiguous());
    const float* previous = nullptr;
    for (std::int64_t i = 0; i < dialogue.count; ++i) {
      if (!data.table.present[static_cast<std::size_t>(dialogue.first + i)].has(m)) continue;
      const float* row = z.data() + i * modality.width;
      values.add(predict::strangeness_of(view, row, previous), previous != nullptr);
      previous = row;
      has_any = true;
    }
  }
  if (!has_any) return;
  const std::string prefix = "reliability." + modality.name;
  file.add(prefix + ".basis", {directions.count, modality.width}, directions.basis);
  file.add(prefix + ".variance", {directions.count + 1}, directions.variance);
  values.store(prefix, file);
}

}  // namespace

TensorFile fit_reliability(const FoldData& data) {
  TensorFile file;
  for (int m = 0; m < data.table.modality_count(); ++m) add_modality(data, m, file);
  return file;
}

const TensorFile& ReliabilityShelf::estimate_of(const FoldData& data) {
  const std::lock_guard lock(mutex_);
  const auto known = estimates_.find(data.fold.index);
  if (known != estimates_.end()) return known->second;
  return estimates_.emplace(data.fold.index, fit_reliability(data)).first->second;
}

}  // namespace hardy
