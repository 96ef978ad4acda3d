// What a method is: something that can be fitted on a fold for some patterns and then predicts
// under any pattern. The protocol (src/protocol/run_protocol.h) runs any of them alike: same
// folds, features, scaling, masks, selection. How to add one: docs/adding_a_method.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/curve.h"
#include "hardy/modality.h"
#include "hardy/split.h"
#include "hardy/tensor_file.h"
#include "methods/stage_costs.h"
#include "pipeline/run_folder.h"
#include "pipeline/scheduler.h"
#include "pipeline/stage_cache.h"
#include "train/fold_data.h"

namespace hardy {

/// One fold under one seed, as a method gets it. The objects outlive the method's. Features are in
/// memory only while a fold is being worked on, so they are handed to each call.
struct FoldRequest {
  const Corpus& corpus;
  const Fold& fold;
  const Config& config;
  std::int64_t seed = 0;
  std::vector<Pattern> patterns;  ///< every pattern that some fit will train on
  StageCache& cache;
  StageCosts& costs;
};

/// Work that several fits of a fold and seed share; done before the first of them.
struct SharedStage {
  std::string name;  ///< for progress and costs, e.g. "pretraining"
  double cost = 1;   ///< estimated, in epochs
  std::function<void(const FoldData&, TaskContext&)> work;
};

/// A method on one fold under one seed. Shared stages run first, possibly in parallel; then `fit`
/// and `predict`, also in parallel: both only read what the stages left.
class FoldMethod {
 public:
  virtual ~FoldMethod() = default;

  [[nodiscard]] virtual std::vector<SharedStage> shared_stages() { return {}; }

  /// Estimated cost of one fit, in epochs of the shared stages' unit.
  [[nodiscard]] virtual double fit_cost() const { return 1; }

  /// Trains (or fetches from the cache) one model: for one pattern a specialist, for several the
  /// unified model of them. Reads labels of the fold's training and validation parts only. Returns
  /// arrays "model.<name>", and "tuning.<name>" where features are tuned first: all that prediction
  /// needs besides scaling; and the curve (FoldStage::add_curve).
  [[nodiscard]] virtual TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                                       TaskContext& context) const = 0;

  /// The data that the fitted models read: the fold's own unless the method transforms features.
  [[nodiscard]] virtual FoldData input_data(const FoldData& data, TaskContext& context) const;
};

/// A method. Immutable; safe from any thread.
class Method {
 public:
  virtual ~Method() = default;

  /// Why the method cannot serve this corpus, with a remedy; nothing when it can. Asked before
  /// anything starts, with the folds that will be trained. What no method can do without is checked
  /// already (hardy/check.h). Corpora may have several labels or values per utterance, shares of
  /// raters (Objective serves them all) and utterances without a label (Utterance::is_labelled).
  [[nodiscard]] virtual std::optional<std::string> problem_with(const Corpus& corpus,
                                                                const std::vector<Fold>& folds,
                                                                const Config& config) const;

  [[nodiscard]] virtual std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const = 0;

  /// Runs a fitted model over whole dialogues under one pattern. `data` needs corpus, scaled table
  /// and objective only, so that stored models run on other corpora. Absent modalities and other
  /// dialogues must not influence a row. Outputs: class probabilities or values, utterance by
  /// utterance of the dialogues in order. Shapes: -> [n, C] row-major.
  [[nodiscard]] virtual std::vector<float> predict(const FoldData& data, const Config& config,
                                                   const TensorFile& model,
                                                   const std::vector<std::int64_t>& dialogues,
                                                   Pattern pattern) const = 0;

  /// What a stored model reads of scaled features: themselves unless the method transforms them.
  /// The same as FoldMethod::input_data gave when it was trained.
  [[nodiscard]] virtual FeatureTable stored_input(const FoldData& data, const Config& config,
                                                  const TensorFile& model) const;

  /// Why models of these settings cannot be stored; nothing when they can.
  [[nodiscard]] virtual std::optional<std::string> storage_problem(const Config& config) const;

  /// Writes tables of its own into the run folder, beside those every run has.
  virtual void write_tables(const RunFolder& folder, const Config& config,
                            const std::vector<const FoldMethod*>& fits) const;
};

/// The method of a name. Throws ConfigError for an unknown one.
const Method& find_method(const std::string& name);

/// Adds a method of one's own to this program: declares it (include/hardy/method_settings.h) and
/// makes it known here. Call it before any Config is made, from one thread.
void add_method(MethodDeclaration declaration, std::unique_ptr<const Method> method);

}  // namespace hardy
