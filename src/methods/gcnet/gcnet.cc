#include "methods/gcnet/gcnet.h"

#include <torch/types.h>

#include <numeric>

#include "train/recogniser_data.h"

namespace hardy {
namespace {

constexpr std::int64_t kTemporalRelations = 3;

std::int64_t all_widths(const FoldData& data) {
  const auto widths = data.table.widths();
  return std::accumulate(widths.begin(), widths.end(), std::int64_t{0});
}

}  // namespace

GcnetNetwork::GcnetNetwork(const FoldData& data, const GcnetSettings& settings, Generator* initial)
    : Network(data.table.features.front().device(), initial),
      data_(data),
      settings_(settings),
      width_(2 * settings.hidden + settings.hidden / 2),
      context_(parameters_, "context", all_widths(data), settings.hidden, this->initial()),
      temporal_(make_branch("temporal", kTemporalRelations)),
      speaker_(make_branch("speaker", settings.speakers * settings.speakers)),
      classifier_(
          parameters_.add_linear("classifier", width_, data.objective->outputs(), this->initial())),
      decoder_(parameters_.add_linear("decoder", width_, all_widths(data), this->initial())) {}

GcnetNetwork::Branch GcnetNetwork::make_branch(const std::string& name, std::int64_t relations) {
  return {GraphBranch(parameters_, name + ".graph", 2 * settings_.hidden, settings_.hidden / 2,
                      relations, initial()),
          RecurrentStack(parameters_, name + ".context", width_, width_, initial()),
          parameters_.add_linear(name + ".out", 2 * width_, width_, initial())};
}

at::Tensor GcnetNetwork::run(const Branch& branch, const at::Tensor& x,
                             const std::vector<Edges>& edges, const StepOrder& order,
                             DropoutStream& stream) const {
  const auto joined = at::cat({x, branch.graph.forward(x, edges)}, 1);
  const auto context = branch.context.forward(joined, order, settings_.dropout, stream);
  return at::relu(linear(context, branch.out.weight, branch.out.bias));
}

at::Tensor GcnetNetwork::represent(const BatchPlan& plan, DropoutStream& stream) const {
  const auto order = StepOrder::of(plan.offsets, device());
  const auto x =
      context_.forward(shown_features(data_.table, plan), order, settings_.dropout, stream);
  const auto temporal =
      run(temporal_, x, temporal_edges(plan, settings_.past, settings_.future), order, stream);
  const auto speaker =
      run(speaker_, x, speaker_edges(plan, settings_.past, settings_.future, settings_.speakers),
          order, stream);
  return temporal + speaker;
}

at::Tensor GcnetNetwork::classify(const at::Tensor& representation) const {
  return linear(representation, classifier_.weight, classifier_.bias);
}

at::Tensor GcnetNetwork::reconstruct(const at::Tensor& representation, int m) const {
  const auto widths = data_.table.widths();
  const std::int64_t width = widths[static_cast<std::size_t>(m)];
  const std::int64_t first = std::accumulate(widths.begin(), widths.begin() + m, std::int64_t{0});
  return linear(representation, decoder_.weight.narrow(0, first, width),
                decoder_.bias.narrow(0, first, width));
}

at::Tensor gcnet_loss(const FoldData& data, const GcnetNetwork& network,
                      const GcnetSettings& settings, const BatchPlan& plan, DropoutStream& stream) {
  const auto representation = network.represent(plan, stream);
  auto loss = label_loss(data, network.classify(representation), plan);
  if (settings.reconstruction_weight == 0) return loss;
  const auto hidden = complement(data.table, plan);
  const double scale = settings.reconstruction_weight / static_cast<double>(plan.rows.size());
  for (int m = 0; m < data.table.modality_count(); ++m) {
    const auto truth = shown_features(data.table, hidden, m);
    if (truth.rows.empty()) continue;
    const auto index = index_tensor(truth.rows, network.device());
    const auto rebuilt = network.reconstruct(representation.index_select(0, index), m);
    const auto ones = at::ones({index.size(0)}, rebuilt.options());
    loss = loss + scale * weighted_squared_error(rebuilt, truth.x, ones);
  }
  return loss;
}

namespace {

class GcnetFold final : public PlainFold {
 public:
  explicit GcnetFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<GcnetSettings>("gcnet")) {}

  [[nodiscard]] double fit_cost() const override {
    return 1 + static_cast<double>(settings_.epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    const StageName name = {
        "gcnet.fit", {bits_text(patterns), settings_text("gcnet")}, "fit " + bits_text(patterns)};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      auto initial = services.seeds.stream("gcnet.init");
      GcnetNetwork network(data, settings_, &initial);
      NetworkStage stage;
      stage.loop.stage = "gcnet";
      stage.loop.epochs = settings_.epochs;
      stage.loop.patience = settings_.patience;
      stage.loop.optimiser = settings_.optimiser;
      stage.patterns = patterns;
      stage.loss = [&](const BatchPlan& plan, DropoutStream& stream, Generator&) {
        return gcnet_loss(data, network, settings_, plan, stream);
      };
      stage.validation_loss = [&] {
        return validation_value(data, network, patterns, config_.protocol.selection);
      };
      const auto curve = train_network(data, network.parameters(), stage, services);
      return network_file(network, curve);
    });
  }

 private:
  static constexpr int kStageVersion = 3;

  const GcnetSettings& settings_;
};

class Gcnet final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<GcnetFold>(request);
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data, const Config& config,
                                                      Generator* initial) const override {
    return std::make_unique<GcnetNetwork>(data, config.methods.of<GcnetSettings>("gcnet"), initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_gcnet() { return std::make_unique<Gcnet>(); }

}  // namespace hardy
