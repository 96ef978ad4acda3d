// A method in fifty lines: one linear layer per available modality, summed.
#include <torch/types.h>

#include "config/fields.h"
#include "methods/network.h"

namespace hardy {

struct TinySettings : SettingsOf<TinySettings> {
  std::int64_t epochs = 20;

  void describe(FieldTable& table) override {
    table.add("epochs", &epochs, IntegerRange{1, kMaxEpochs},
              {"Passes over the training part.", "More: a longer run."});
  }
};

class TinyNetwork final : public Network {
 public:
  TinyNetwork(const FoldData& data, Generator* initial) : Network(at::kCPU, initial), data_(data) {
    for (const auto& modality : data.corpus->modalities) {
      layers_.push_back(parameters_.add_linear(modality.name, modality.width,
                                               data.objective->outputs(), this->initial()));
    }
  }

  at::Tensor logits(const BatchPlan& plan, DropoutStream& /*dropout*/) const override {
    at::Tensor sum;
    for (std::size_t m = 0; m < layers_.size(); ++m) {
      const auto x = masked_features(data_.table, plan, static_cast<int>(m));
      const auto part = linear(x, layers_[m].weight, layers_[m].bias);
      sum = sum.defined() ? sum + part : part;
    }
    return sum;
  }

 private:
  const FoldData& data_;
  std::vector<LinearLayer> layers_;
};

class Tiny final : public NetworkMethod {
 public:
  std::unique_ptr<Network> make_network(const FoldData& data, const Config& /*config*/,
                                        Generator* initial) const override {
    return std::make_unique<TinyNetwork>(data, initial);
  }

  std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    const auto& settings = request.config.methods.of<TinySettings>("tiny");
    return std::make_unique<LabelFold>(request, *this,
                                       LabelFit{.method = "tiny", .epochs = settings.epochs});
  }
};

MethodDeclaration declare_tiny() {
  return {.name = "tiny",
          .title = "Tiny",
          .summary = "A linear layer per modality.",
          .settings = std::make_shared<TinySettings>()};
}

std::unique_ptr<const Method> make_tiny() { return std::make_unique<Tiny>(); }

}  // namespace hardy
