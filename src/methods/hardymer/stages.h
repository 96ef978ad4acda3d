// The stages of HARDY-MER for one fold and seed, each computed once and shared by conditions,
// ablations, sweeps and resumed runs.
#pragma once

#include <string>
#include <vector>

#include "hardy/modality.h"
#include "methods/fold_stage.h"
#include "methods/hardymer/list_search.h"
#include "methods/hardymer/seams.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer/train_recogniser.h"
#include "pipeline/scheduler.h"
#include "train/fold_data.h"

namespace hardy {

/// Incremented when a change of the code moves the numbers of a stage; old cache entries are then
/// unused.
inline constexpr int kHardyMerVersion = 4;

/// Hardness, neighbours and supports of a fold's n training utterances under P patterns.
struct Curriculum {
  std::vector<Pattern> patterns;              ///< [P]
  std::vector<float> indirect;                ///< [n]
  std::vector<std::vector<float>> direct;     ///< [P] of [n]
  std::vector<std::vector<float>> score;      ///< [P] of [n]
  std::vector<std::vector<float>> distances;  ///< [P] of [n, K]
  std::vector<Supports> supports;             ///< [P]
  std::vector<ListSearchReport> searches;     ///< [M] under retrieval.index = "lists"

  /// Training plan of a recogniser for some of the patterns. Throws InternalError when one of them
  /// is not in `patterns`.
  [[nodiscard]] CurriculumPlan plan_for(const std::vector<Pattern>& wanted) const;
};

/// Numbers of a table beyond which tuned features and the rows of retrieval lie in scratch files,
/// and the cache keeps the tuning nets alone.
inline constexpr std::int64_t kLargestInMemory = std::int64_t{1} << 26;

/// Stages of one fold under one seed, while its data is at hand. The cache makes each call after
/// the first cheap. Cheap to make; refers to its arguments.
class FoldStages {
 public:
  FoldStages(const FoldData& data, const Config& config, const FoldStage& stage,
             const HardyMerSeams& seams = own_seams(),
             std::int64_t largest_in_memory = kLargestInMemory);

  /// Tuned features of every utterance (paper 3.3.1).
  [[nodiscard]] FeatureTable tuned_features(TaskContext& context) const;

  /// Adds the tuning nets of `tuned_features` to a model's arrays. Requires: the tuning is the
  /// fold's own.
  void add_tuning_nets(TensorFile& model, TaskContext& context) const;

  /// Hardness, retrieval and supports.
  [[nodiscard]] Curriculum curriculum(const std::vector<Pattern>& patterns,
                                      TaskContext& context) const;

  /// Complete-modality pretraining of the recogniser.
  [[nodiscard]] TensorFile pretrained(TaskContext& context) const;

  /// A recogniser trained on `trained` patterns: "model.*" arrays and its curve (add_curve).
  [[nodiscard]] TensorFile fit(const std::vector<Pattern>& trained, const Curriculum& curriculum,
                               TaskContext& context) const;

  /// The data that a recogniser reads, with plain or tuned features.
  [[nodiscard]] FoldData input_data(TaskContext& context) const;

  /// Settings that the pretraining depends on, for keys of related stages.
  [[nodiscard]] std::string pretraining_settings() const;

  [[nodiscard]] const FoldStage& stage() const { return stage_; }

 private:
  /// The stage under a name of its own; other names compute the same again.
  [[nodiscard]] TensorFile own_tuned_file(const std::string& stage, TaskContext& context) const;
  [[nodiscard]] TensorFile tuned_file(TaskContext& context) const;
  [[nodiscard]] TensorFile hardness_file(const std::vector<Pattern>& patterns,
                                         TaskContext& context) const;
  [[nodiscard]] TensorFile neighbour_file(const std::vector<Pattern>& patterns,
                                          TaskContext& context) const;

  /// Settings that the tuned features depend on, for keys.
  [[nodiscard]] std::string tuning_settings() const;
  void add_supports(const TensorFile& found, std::size_t pattern, Curriculum& result) const;

  const FoldData& data_;
  const Config& config_;
  const HardyMerSettings& settings_;
  const FoldStage& stage_;
  const HardyMerSeams& seams_;
  bool is_large_;
};

/// Retrieval metric of each modality: cosine where its name says text (beginning with text, word,
/// transcript or language, or with bert in it, in any case), L2 for the others, unless
/// `retrieval.metric` says otherwise. Throws ConfigError for an unknown modality or metric.
std::vector<Metric> retrieval_metrics(const std::vector<std::string>& modality_names,
                                      const std::string& setting);

}  // namespace hardy
