// What the published defects change in the chain of HARDY-MER's stages: extra inputs of cache keys,
// the shared tuning, the scores. With every switch off nothing here is called.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "methods/fold_stage.h"
#include "methods/method.h"
#include "train/fold_data.h"

namespace hardy {

/// Raised whenever a change of the code moves a stage's numbers: old cache entries are then unused.
inline constexpr int kHardyMerVersion = 4;

/// Defect H2: one tuning of the features that serves every fold.
class SharedTuning {
 public:
  /// The members of the tuning: the training side of the last fold; with the official split (H2c)
  /// the first utterances by id, as many as that side has dialogues.
  explicit SharedTuning(const FoldRequest& request);

  /// What keys of stages say that read the tuned features.
  [[nodiscard]] std::string key_text() const;

  /// The tuned features of every utterance, the same whichever fold asks. `data` of any fold.
  [[nodiscard]] TensorFile tune(const FoldData& data, TaskContext& context) const;

  [[nodiscard]] const std::vector<std::int64_t>& members() const { return members_; }

 private:
  const Config& config_;
  Fold fold_;  ///< the last one, nothing held out for validation
  std::vector<std::int64_t> members_;
  std::optional<FoldStage> stage_;
};

/// Additions to a stage's inputs, none when no defect touches it.
std::vector<std::string> estimator_defects(const Config& config);
std::vector<std::string> neighbour_defects(const Config& config);
std::vector<std::string> fit_defects(const Config& config, const Fold& fold);

/// Defect H7: modalities in the order in which one is looked for, textual ones last.
std::vector<int> published_order(const std::vector<std::string>& modality_names);

/// Scores of a fold's training utterances under defects H5b and H10, dialogues dealt to batches of
/// the recogniser's size by `draws`. Shapes: direct, indirect [n] -> [n].
std::vector<float> scores_with_defects(const FoldData& data, const std::vector<float>& direct,
                                       const std::vector<float>& indirect, const Config& config,
                                       Generator draws);

/// Defect H1b: replaces a fit of `trained` by the best epoch of complete-modality training when
/// that one, tested with every modality, does at least as well on the test part.
void let_complete_epoch_compete(const FoldData& data, const Config& config,
                                const std::vector<Pattern>& trained, const TensorFile& rival,
                                TensorFile& fitted);

/// The pattern under which a model is to be run when asked for `asked`: the complete one when H1b
/// chose it, else `asked`.
Pattern pattern_seen(const TensorFile& model, int modalities, Pattern asked);

}  // namespace hardy
