// What methods that are one neural network share: batches, patterns, validation, prediction.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "methods/fold_stage.h"
#include "methods/method.h"
#include "nn/batch.h"
#include "nn/ops.h"
#include "nn/parameters.h"

namespace hardy {

/// A module that gives every row of a batch its logits (or value). Const methods are safe from
/// several threads.
class Network {
 public:
  /// Parameters are drawn from `initial`; when it is null they are left to be loaded.
  Network(at::Device device, Generator* initial)
      : parameters_(device), device_(device), initial_(initial) {
    if (initial == nullptr) parameters_.skip_drawing();
  }

  virtual ~Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Shapes: -> [n, C] for the n rows of the plan.
  [[nodiscard]] virtual at::Tensor logits(const BatchPlan& plan, DropoutStream& dropout) const = 0;

  /// Logits, without dropout, of a plan that shows everything under each of some patterns that all
  /// rows share. Networks that encode modalities apart do so once. Shapes: -> [patterns] of [n, C].
  [[nodiscard]] virtual std::vector<at::Tensor> logits_by_pattern(
      const BatchPlan& plan, const std::vector<Pattern>& patterns) const;

  [[nodiscard]] ParameterSet& parameters() { return parameters_; }

  [[nodiscard]] const ParameterSet& parameters() const { return parameters_; }

  [[nodiscard]] at::Device device() const { return device_; }

 protected:
  /// What constructors of parameters take.
  [[nodiscard]] Generator& initial() { return initial_ == nullptr ? unused_ : *initial_; }

  ParameterSet parameters_;

 private:
  at::Device device_;
  Generator* initial_;
  Generator unused_;
};

/// What a fit draws its batches from.
enum class BatchUnit {
  kDialogues,  ///< whole dialogues: for networks that read the context
  kUtterances  ///< training utterances in random order, one segment
};

/// Loss of one batch. `draws` is the batch's own stream, for draws of the method's.
using BatchLoss =
    std::function<at::Tensor(const BatchPlan& plan, DropoutStream& dropout, Generator& draws)>;

/// One training stage of a network.
struct NetworkStage {
  EpochLoopOptions loop;  ///< `items` is filled in from the unit
  BatchUnit unit = BatchUnit::kDialogues;
  std::vector<Pattern> patterns;  ///< each row draws one uniformly
  BatchLoss loss;
  std::function<double()> validation_loss;  ///< empty: the last epoch is kept
};

/// Runs the stage (run_epochs): the parameters of the best validation epoch stay, or the last where
/// the fold has no validation part.
std::vector<CurvePoint> train_network(const FoldData& data, ParameterSet& parameters,
                                      const NetworkStage& stage, const StageServices& services);

/// Loss of the logits on the rows' own labels.
at::Tensor label_loss(const FoldData& data, const at::Tensor& logits, const BatchPlan& plan);

/// validation_value (recogniser_data.h) of a network.
double validation_value(const FoldData& data, const Network& network,
                        const std::vector<Pattern>& patterns, Selection selection);

/// The rows with everything shown that the data has, and with exactly what `plan` hides.
BatchPlan completed(const FeatureTable& table, const BatchPlan& plan);
BatchPlan complement(const FeatureTable& table, const BatchPlan& plan);

/// Copies the arrays "model.<part>..." of a file into the network's parameters of these names.
void load_part(Network& network, const TensorFile& file, const std::string& part);

/// Features of modality m of the rows that show it: whose pattern and data have it. k may be 0.
InputBlock shown_features(const FeatureTable& table, const BatchPlan& plan, int m);

/// All modalities, side by side. Shapes: -> [M].
std::vector<InputBlock> shown_features(const FeatureTable& table, const BatchPlan& plan);

/// The same with zeros in all other rows (zero is the mean: features are standardised), for what
/// needs every row. Shapes: -> [n, d_m].
at::Tensor masked_features(const FeatureTable& table, const BatchPlan& plan, int m);

/// Model arrays of a network ("model.<name>") and its curve.
TensorFile network_file(const Network& network, const std::vector<CurvePoint>& curve);

/// A method whose models are networks: prediction is a forward pass.
class NetworkMethod : public Method {
 public:
  /// A network for this data. With `initial` its parameters are drawn from it, without they are
  /// left to be loaded.
  [[nodiscard]] virtual std::unique_ptr<Network> make_network(const FoldData& data,
                                                              const Config& config,
                                                              Generator* initial) const = 0;

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& config,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override;
};

/// What a one-stage fit of a network is told.
struct LabelFit {
  std::string method;  ///< names stages, streams and the config section that the fit depends on
  int version = 1;     ///< raised when a change of the code moves the numbers
  std::int64_t epochs = 0;
  std::int64_t patience = 0;
  OptimiserConfig optimiser = {};
  BatchUnit unit = BatchUnit::kDialogues;
};

/// A fold of a method: its settings and its stages.
class PlainFold : public FoldMethod {
 public:
  PlainFold(const FoldRequest& request, int stage_version)
      : config_(request.config), stage_(request, stage_version) {}

 protected:
  /// The settings of a section and how epochs are selected, as an input of stage keys.
  [[nodiscard]] std::string settings_text(const std::string& section) const;

  const Config& config_;
  FoldStage stage_;
};

/// A fold of a network that is trained in one stage, on labels alone.
class LabelFold final : public PlainFold {
 public:
  LabelFold(const FoldRequest& request, const NetworkMethod& method, LabelFit options)
      : PlainFold(request, options.version), method_(method), options_(std::move(options)) {}

  [[nodiscard]] double fit_cost() const override {
    return 1 + static_cast<double>(options_.epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override;

 private:
  const NetworkMethod& method_;
  LabelFit options_;
};

}  // namespace hardy
