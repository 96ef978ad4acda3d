// Random draws of a batch of the second stage: patterns, weights, mixtures.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

#include "hardy/config.h"
#include "methods/hardymer/mixture.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/train_recogniser.h"
#include "train/fold_data.h"

namespace hardy {

/// Holds references to its arguments. Const methods are safe from several threads.
class CurriculumDraws {
 public:
  CurriculumDraws(const FoldData& data, const Config& config, const CurriculumPlan& plan);

  /// Whether supports enter as weights or as mixtures (`retrieval.supports`).
  [[nodiscard]] bool gives_weights() const { return has(SupportUse::kWeights); }

  [[nodiscard]] bool gives_mixtures() const { return has(SupportUse::kMix); }

  /// Draws each row's pattern (or each dialogue's) and returns its index among the plan's patterns.
  std::vector<std::size_t> draw_patterns(BatchPlan& plan, Generator& draws) const;

  /// Visits of each row under its pattern. Shapes: choice [n] -> [n] float32, >= 1.
  [[nodiscard]] at::Tensor weights(const BatchPlan& plan, const std::vector<std::size_t>& choice,
                                   at::Device device) const;

  /// Mixup partner and share of each row. Shapes: choice [n].
  [[nodiscard]] Mixture draw_mixture(const BatchPlan& plan, const std::vector<std::size_t>& choice,
                                     at::Device device, Generator& draws) const;

 private:
  [[nodiscard]] bool has(SupportUse mode) const {
    return !plan_.supports.empty() && hardymer_settings(config_).retrieval.supports == mode;
  }

  std::size_t uniform(Generator& draws) const;

  /// A pattern with probability proportional to the utterance's visits under it.
  [[nodiscard]] std::size_t weighted(std::int64_t utterance, Generator& draws) const;

  const FoldData& data_;
  const Config& config_;
  const CurriculumPlan& plan_;
  std::vector<std::vector<float>> visits_;  ///< by pattern, [n]
};

}  // namespace hardy
