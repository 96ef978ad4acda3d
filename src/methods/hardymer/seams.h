// Seams of HARDY-MER: the points at which a variant may differ from the method. The base class is
// HARDY-MER itself, so that the method's code does not mention variants.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hardy/modality.h"
#include "hardy/tensor_file.h"
#include "methods/hardymer/curriculum.h"
#include "methods/hardymer/hardness_module.h"
#include "methods/hardymer/score.h"
#include "nn/backbone.h"
#include "nn/batch.h"
#include "pipeline/scheduler.h"
#include "train/fold_data.h"

namespace hardy {

class FoldStages;

/// Outputs of the model being trained on whole dialogues under one pattern, as Objective::accuracy
/// takes them. Shapes: -> [n, C].
using PredictDialogues =
    std::function<std::vector<float>(const std::vector<std::int64_t>& dialogues, Pattern pattern)>;

/// Criterion of the current epoch; smaller is better.
using EpochJudge = std::function<double()>;

/// Stages whose cache keys a variant extends.
enum class KeyedStage { kTuning, kHardness, kNeighbours, kFit };

/// One object per fold and seed. Immutable; safe from several threads.
class HardyMerSeams {
 public:
  virtual ~HardyMerSeams() = default;

  /// Further inputs of a stage's cache key; none if the stage is HARDY-MER's own.
  [[nodiscard]] virtual std::vector<std::string> key_inputs(KeyedStage /*stage*/) const {
    return {};
  }

  // Epoch judge.

  /// Criterion of the second stage's epochs, which then has no patience; null = the validation
  /// loss.
  [[nodiscard]] virtual EpochJudge judge(const FoldData& /*data*/,
                                         const std::vector<Pattern>& /*patterns*/,
                                         const PredictDialogues& /*predict*/) const {
    return nullptr;
  }

  /// Called after a fit of `trained`; may replace the model.
  virtual void settle_fit(const FoldStages& /*stages*/, const std::vector<Pattern>& /*trained*/,
                          TensorFile& /*fitted*/, TaskContext& /*context*/) const {}

  // Support source.

  /// Tuned features of every utterance in place of the fold's own tuning.
  [[nodiscard]] virtual std::optional<TensorFile> shared_tuning(const FoldData& /*data*/,
                                                                TaskContext& /*context*/) const {
    return std::nullopt;
  }

  [[nodiscard]] virtual bool shares_tuning() const { return false; }

  /// Unified hardness scores (Eq. 10). Shapes: direct, indirect [n] -> [n].
  [[nodiscard]] virtual std::vector<float> score(const FoldData& /*data*/,
                                                 const std::vector<float>& direct,
                                                 const std::vector<float>& indirect,
                                                 const HardnessConfig& config) const {
    return unified_score(direct, indirect, config);
  }

  /// Neighbours under one pattern (Eq. 17).
  [[nodiscard]] virtual NeighbourTable neighbours(
      const NeighbourSearch& search, Pattern pattern,
      const std::vector<std::string>& /*modality_names*/) const {
    return search.neighbours(pattern);
  }

  /// Called after the selection of supports, which it may change; `table` holds their distances,
  /// row by row.
  virtual void settle_supports(Supports& /*supports*/, NeighbourTable& /*table*/) const {}

  // Hardness target.

  /// Whether the estimator reconstructs all modalities of a row, or only the masked ones.
  [[nodiscard]] virtual bool reconstructs_present() const { return true; }

  /// Target of the estimator's reconstruction. Shapes: truth [n, d] -> [n, d].
  [[nodiscard]] virtual at::Tensor target(const at::Tensor& truth) const { return truth; }

  /// Whether the estimator's cross-attention is dropped in training.
  [[nodiscard]] virtual bool drops_cross_attention() const { return false; }

  /// A term of value 0 in the estimator's second stage, for its gradients; undefined = none.
  [[nodiscard]] virtual at::Tensor idle_term(const HardnessModule& /*module*/,
                                             const Batch& /*batch*/, const Encoded& /*encoded*/,
                                             DropoutStream& /*dropout*/) const {
    return {};
  }

  // Loss mask.

  /// Weight of each row's reconstruction error; undefined = 1. Shapes: -> [n].
  [[nodiscard]] virtual at::Tensor row_mask(const BatchPlan& /*plan*/,
                                            at::Device /*device*/) const {
    return {};
  }

  /// Reconstruction error of padding; undefined = padding does not count. Shapes: -> [].
  [[nodiscard]] virtual at::Tensor padding_error(const Backbone& /*backbone*/,
                                                 const BatchPlan& /*plan*/,
                                                 bool /*of_every_modality*/,
                                                 DropoutStream& /*dropout*/) const {
    return {};
  }

  // Gradient policy.

  /// Whether gradients are cleared once per batch instead of before every step.
  [[nodiscard]] virtual bool keeps_gradients() const { return false; }
};

/// HARDY-MER itself.
const HardyMerSeams& own_seams();

}  // namespace hardy
