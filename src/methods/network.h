// Parts shared by methods that are one neural network: batches, patterns, validation, prediction.
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

/// A module that maps every row of a batch to logits (or a value). Const methods are safe from
/// several threads.
class Network {
 public:
  /// Draws the parameters from `initial`; a null `initial` leaves them to be loaded.
  Network(at::Device device, Generator* initial)
      : parameters_(device), device_(device), initial_(initial) {
    if (initial == nullptr) parameters_.skip_drawing();
  }

  virtual ~Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Shapes: -> [n, C] for the n rows of the plan.
  [[nodiscard]] virtual at::Tensor logits(const BatchPlan& plan, DropoutStream& dropout) const = 0;

  /// Logits, without dropout, of a plan with complete input under each of some patterns that all
  /// rows share. Networks that encode modalities separately do so once. Shapes: -> [patterns] of
  /// [n, C].
  [[nodiscard]] virtual std::vector<at::Tensor> logits_by_pattern(
      const BatchPlan& plan, const std::vector<Pattern>& patterns) const;

  [[nodiscard]] ParameterSet& parameters() { return parameters_; }

  [[nodiscard]] const ParameterSet& parameters() const { return parameters_; }

  [[nodiscard]] at::Device device() const { return device_; }

 protected:
  /// The generator for constructors of parameters.
  [[nodiscard]] Generator& initial() { return initial_ == nullptr ? unused_ : *initial_; }

  ParameterSet parameters_;

 private:
  at::Device device_;
  Generator* initial_;
  Generator unused_;
};

/// Unit of a training batch.
enum class BatchUnit {
  kDialogues,  ///< whole dialogues: for networks that read the context
  kUtterances  ///< training utterances in random order, one segment
};

/// Loss of one batch. `draws`: the batch's own stream for random draws of the method.
using BatchLoss =
    std::function<at::Tensor(const BatchPlan& plan, DropoutStream& dropout, Generator& draws)>;

/// One training stage of a network.
struct NetworkStage {
  EpochLoopOptions loop;  ///< `items` follows from the unit
  BatchUnit unit = BatchUnit::kDialogues;
  std::vector<Pattern> patterns;  ///< drawn uniformly per row
  BatchLoss loss;
  std::function<double()> validation_loss;  ///< empty: keeps the last epoch
};

/// Runs the stage (run_epochs). Leaves the parameters of the best validation epoch, or of the last
/// if the fold has no validation part.
std::vector<CurvePoint> train_network(const FoldData& data, ParameterSet& parameters,
                                      const NetworkStage& stage, const StageServices& services);

/// Loss of the logits on the rows' own labels.
at::Tensor label_loss(const FoldData& data, const at::Tensor& logits, const BatchPlan& plan);

/// validation_value (recogniser_data.h) of a network.
double validation_value(const FoldData& data, const Network& network,
                        const std::vector<Pattern>& patterns, Selection selection);

/// The rows with all modalities of the data, and with exactly those that `plan` masks.
BatchPlan completed(const FeatureTable& table, const BatchPlan& plan);
BatchPlan complement(const FeatureTable& table, const BatchPlan& plan);

/// Copies the arrays "model.<part>..." of a file into the network's parameters of these names.
void load_part(Network& network, const TensorFile& file, const std::string& part);

/// Features of modality m of the rows whose pattern and data have it. k may be 0.
InputBlock shown_features(const FeatureTable& table, const BatchPlan& plan, int m);

/// All modalities, side by side. Shapes: -> [M].
std::vector<InputBlock> shown_features(const FeatureTable& table, const BatchPlan& plan);

/// The same with zeros in all other rows (zero is the mean of standardised features), for layers
/// that need every row. Shapes: -> [n, d_m].
at::Tensor masked_features(const FeatureTable& table, const BatchPlan& plan, int m);

/// Model arrays of a network ("model.<name>") and its curve.
TensorFile network_file(const Network& network, const std::vector<CurvePoint>& curve);

/// A method whose models are networks: prediction is a forward pass.
class NetworkMethod : public Method {
 public:
  /// A network for this data. Draws the parameters from `initial`; a null `initial` leaves them to
  /// be loaded.
  [[nodiscard]] virtual std::unique_ptr<Network> make_network(const FoldData& data,
                                                              const Config& config,
                                                              Generator* initial) const = 0;

  [[nodiscard]] std::vector<float> predict(const FoldData& data, const Config& config,
                                           const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const override;
};

/// Options of a one-stage fit of a network.
struct LabelFit {
  std::string method;  ///< names stages, streams and the config section that the fit depends on
  int version = 1;     ///< incremented when a change of the code moves the numbers
  std::int64_t epochs = 0;
  std::int64_t patience = 0;
  OptimiserConfig optimiser = {};
  BatchUnit unit = BatchUnit::kDialogues;
};

/// A fold of a method, with its settings and stages.
class PlainFold : public FoldMethod {
 public:
  PlainFold(const FoldRequest& request, int stage_version)
      : config_(request.config), stage_(request, stage_version) {}

 protected:
  /// The settings of a section and the selection of epochs, as input of stage keys.
  [[nodiscard]] std::string settings_text(const std::string& section) const;

  const Config& config_;
  FoldStage stage_;
};

/// A fold of a network that is trained in one stage, on labels only.
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
