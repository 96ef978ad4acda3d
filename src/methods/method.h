// Interface of a method: it is fitted on a fold for some patterns and predicts under any pattern.
// The protocol (src/protocol/run_protocol.h) runs every method under the same folds, features,
// scaling, masks and selection. How to add one: docs/adding_a_method.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/modality.h"
#include "hardy/results.h"
#include "hardy/split.h"
#include "hardy/tensor_file.h"
#include "methods/stage_costs.h"
#include "pipeline/run_folder.h"
#include "pipeline/scheduler.h"
#include "pipeline/stage_cache.h"
#include "train/fold_data.h"

namespace hardy {

/// One fold under one seed. The objects outlive the method's. Features are in memory only while a
/// fold is processed, so they are passed to each call.
struct FoldRequest {
  const Corpus& corpus;
  const Fold& fold;
  const Config& config;
  std::int64_t seed = 0;
  std::vector<Pattern> patterns;  ///< union of the patterns of all fits
  StageCache& cache;
  StageCosts& costs;
};

/// Work shared by several fits of a fold and seed; done before the first of them.
struct SharedStage {
  std::string name;  ///< for progress and costs, e.g. "pretraining"
  double cost = 1;   ///< estimate, in epochs
  std::function<void(const FoldData&, TaskContext&)> work;
};

/// A method on one fold under one seed. Shared stages run first, possibly in parallel; then `fit`
/// and `predict`, also in parallel: both only read the results of the stages.
class FoldMethod {
 public:
  virtual ~FoldMethod() = default;

  [[nodiscard]] virtual std::vector<SharedStage> shared_stages() { return {}; }

  /// Estimated cost of one fit, in epochs of the shared stages' unit.
  [[nodiscard]] virtual double fit_cost() const { return 1; }

  /// Trains (or fetches from the cache) one model: a specialist for one pattern, the unified model
  /// for several. Reads labels of the fold's training and validation parts only. Returns arrays
  /// "model.NAME", and "tuning.NAME" if features are tuned first: everything that prediction needs
  /// besides scaling; and the curve (FoldStage::add_curve).
  [[nodiscard]] virtual TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                                       TaskContext& context) const = 0;

  /// Outputs for known dialogues by the part of a fitted model that did not train on them, for
  /// methods that also train on the validation part; nothing for the others, whose predictions on
  /// the validation part are held out anyway. Requires: dialogues of the fold's training or
  /// validation part. Shapes: -> [n, C] row-major, the utterances of the dialogues in order.
  [[nodiscard]] virtual std::optional<std::vector<float>> held_out(
      const FoldData& /*data*/, const TensorFile& /*model*/,
      const std::vector<std::int64_t>& /*dialogues*/, Pattern /*pattern*/) const {
    return std::nullopt;
  }

  /// The data that fitted models read: the fold's own unless the method transforms features.
  [[nodiscard]] virtual FoldData input_data(const FoldData& data, TaskContext& context) const;
};

/// A method. Immutable; safe from any thread.
class Method {
 public:
  virtual ~Method() = default;

  /// Why the method cannot be applied to this corpus, with a remedy; nothing if it can. Called
  /// before training, with the folds to be trained. Requirements of all methods are checked before
  /// (hardy/load.h). Corpora may have several labels or values per utterance, shares of raters
  /// (Objective supports all of them) and unlabelled utterances (Utterance::is_labelled).
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

  /// Input of a stored model: the scaled features unless the method transforms them. Equals
  /// FoldMethod::input_data at training.
  [[nodiscard]] virtual FeatureTable stored_input(const FoldData& data, const Config& config,
                                                  const TensorFile& model) const;

  /// Why models of these settings cannot be stored; nothing if they can.
  [[nodiscard]] virtual std::optional<std::string> storage_problem(const Config& config) const;

  /// Writes the method's own tables to the run folder.
  virtual void write_tables(const RunFolder& folder, const Config& config,
                            const std::vector<const FoldMethod*>& fits) const;
};

/// The method of a name. Throws ConfigError for an unknown one.
const Method& find_method(const std::string& name);

/// Adds a method to this program: declares it (hardy/method_settings.h) and registers it here.
/// Requires: no Config exists yet and no other thread runs.
void add_method(MethodDeclaration declaration, std::unique_ptr<const Method> method);

}  // namespace hardy
