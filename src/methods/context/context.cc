// The context method (docs/methods/context.md): one context network for a fold.
#include <torch/types.h>

#include "methods/context/context_network.h"

namespace hardy {
namespace {

class ContextFold final : public PlainFold {
 public:
  explicit ContextFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<ContextSettings>("context")) {}

  [[nodiscard]] double fit_cost() const override {
    return 1 + static_cast<double>(settings_.epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    const StageName name = {"context.fit",
                            {bits_text(patterns), settings_text("context")},
                            "fit " + bits_text(patterns)};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      auto initial = services.seeds.stream("context.init");
      ContextNetwork network(data, settings_, &initial);
      const auto curve =
          train_context(data, network, settings_, patterns, config_.protocol.selection, services);
      return network_file(network, curve);
    });
  }

 private:
  static constexpr int kStageVersion = 1;

  const ContextSettings& settings_;
};

class Context final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<ContextFold>(request);
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data, const Config& config,
                                                      Generator* initial) const override {
    return std::make_unique<ContextNetwork>(data, config.methods.of<ContextSettings>("context"),
                                            initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_context() { return std::make_unique<Context>(); }

}  // namespace hardy
