// Two hidden layers on independent utterances; an absent modality is replaced by its training mean.
#include <torch/types.h>

#include "methods/mean_mlp/settings.h"
#include "methods/mmin/layers.h"
#include "methods/network.h"

namespace hardy {
namespace {

class MeanMlpNetwork final : public Network {
 public:
  MeanMlpNetwork(const FoldData& data, const MeanMlpSettings& settings, Generator* initial)
      : Network(data.table.features.front().device(), initial),
        table_(data.table),
        dropout_(settings.dropout) {
    std::int64_t width = 0;
    for (const auto w : data.table.widths()) width += w;
    layers_ = Perceptron(parameters_, "layer",
                         {width, settings.hidden, settings.hidden, data.objective->outputs()},
                         this->initial());
  }

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& stream) const override {
    return layers_.forward(shown_features(table_, plan),
                           static_cast<std::int64_t>(plan.rows.size()), dropout_, stream);
  }

 private:
  const FeatureTable& table_;
  double dropout_;
  Perceptron layers_;
};

class MeanMlp final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    const auto& settings = request.config.methods.of<MeanMlpSettings>("mean_mlp");
    return std::make_unique<LabelFold>(request, *this,
                                       LabelFit{.method = "mean_mlp",
                                                .version = 2,
                                                .epochs = settings.epochs,
                                                .patience = settings.patience,
                                                .optimiser = settings.optimiser,
                                                .unit = BatchUnit::kUtterances});
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data, const Config& config,
                                                      Generator* initial) const override {
    return std::make_unique<MeanMlpNetwork>(data, config.methods.of<MeanMlpSettings>("mean_mlp"),
                                            initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_mean_mlp() { return std::make_unique<MeanMlp>(); }

}  // namespace hardy
