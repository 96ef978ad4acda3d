// HARDY-MER with defects of the published code: the overridden seams (methods/hardymer/seams.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "methods/fold_stage.h"
#include "methods/hardymer/seams.h"
#include "methods/hardymer_published/defects.h"
#include "methods/method.h"
#include "train/fold_data.h"

namespace hardy {

/// Defect H2: one tuning of the features that serves every fold.
class SharedTuning {
 public:
  /// The members of the tuning: the training side of the last fold; with the official split (H2c)
  /// the first utterances by id, as many as that side has dialogues.
  explicit SharedTuning(const FoldRequest& request);

  /// Text for keys of stages that read the tuned features.
  [[nodiscard]] std::string key_text() const;

  /// Tuned features of every utterance, the same for every fold. `data` of any fold.
  [[nodiscard]] TensorFile tune(const FoldData& data, TaskContext& context) const;

  [[nodiscard]] const std::vector<std::int64_t>& members() const { return members_; }

 private:
  const Config& config_;
  Fold fold_;  ///< the last fold, without a validation part
  std::vector<std::int64_t> members_;
  std::optional<FoldStage> stage_;
};

/// Extends every list to k entries by putting the utterance itself in front as often as needed
/// (defect H16).
Supports filled_with_self(const Supports& supports, std::int64_t k);

/// Order in which the first available modality is searched (defect H7), textual ones last.
std::vector<int> published_order(const std::vector<std::string>& modality_names);

/// Modalities that a fitted model reads where `asked` is requested: all, if it was selected with
/// all (defect H1b).
Pattern pattern_seen(const TensorFile& model, int modalities, Pattern asked);

class PublishedSeams final : public HardyMerSeams {
 public:
  explicit PublishedSeams(const FoldRequest& request);

  /// Without H2 and without the test part in cache keys: for single stages.
  explicit PublishedSeams(const PublishedSettings& published);

  [[nodiscard]] std::vector<std::string> key_inputs(KeyedStage stage) const override;
  [[nodiscard]] EpochJudge judge(const FoldData& data, const std::vector<Pattern>& patterns,
                                 const PredictDialogues& predict) const override;
  void settle_fit(const FoldStages& stages, const std::vector<Pattern>& trained, TensorFile& fitted,
                  TaskContext& context) const override;
  [[nodiscard]] std::optional<TensorFile> shared_tuning(const FoldData& data,
                                                        TaskContext& context) const override;

  [[nodiscard]] bool shares_tuning() const override { return tuning_.has_value(); }

  [[nodiscard]] std::vector<float> score(const FoldData& data, const std::vector<float>& direct,
                                         const std::vector<float>& indirect,
                                         const HardnessConfig& config) const override;
  [[nodiscard]] NeighbourTable neighbours(
      const NeighbourSearch& search, Pattern pattern,
      const std::vector<std::string>& modality_names) const override;
  void settle_supports(Supports& supports, NeighbourTable& table) const override;

  [[nodiscard]] bool reconstructs_present() const override { return !on_.h4_masked_target; }

  [[nodiscard]] at::Tensor target(const at::Tensor& truth) const override;

  [[nodiscard]] bool drops_cross_attention() const override { return on_.h9_dropped_attention; }

  [[nodiscard]] at::Tensor idle_term(const HardnessModule& module, const Batch& batch,
                                     const Encoded& encoded, DropoutStream& dropout) const override;
  [[nodiscard]] at::Tensor row_mask(const BatchPlan& plan, at::Device device) const override;
  [[nodiscard]] at::Tensor padding_error(const Backbone& backbone, const BatchPlan& plan,
                                         bool of_every_modality,
                                         DropoutStream& dropout) const override;

  [[nodiscard]] bool keeps_gradients() const override { return on_.h12_kept_gradients; }

 private:
  PublishedSettings on_;
  std::optional<SharedTuning> tuning_;        ///< defect H2
  std::optional<FoldStage> stage_;            ///< for draws of batches
  std::vector<std::int64_t> test_dialogues_;  ///< of the fold
  const Config* config_ = nullptr;
};

}  // namespace hardy
