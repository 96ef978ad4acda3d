// One linear model on all features concatenated; an absent modality is replaced by its training
// mean.
#include <torch/types.h>

#include <numeric>

#include "methods/early_linear/linear_path.h"
#include "train/recogniser_data.h"

namespace hardy {
namespace {

class EarlyLinearNetwork final : public Network {
 public:
  EarlyLinearNetwork(const FoldData& data, Generator* initial)
      : Network(data.table.features.front().device(), initial), table_(data.table) {
    const auto widths = data.table.widths();
    layer_ = parameters_.add_linear("layer",
                                    std::accumulate(widths.begin(), widths.end(), std::int64_t{0}),
                                    data.objective->outputs(), this->initial());
  }

  [[nodiscard]] at::Tensor inputs(const BatchPlan& plan) const {
    std::vector<at::Tensor> parts;
    for (int m = 0; m < table_.modality_count(); ++m) {
      parts.push_back(masked_features(table_, plan, m));
    }
    return at::cat(parts, 1);
  }

  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& /*stream*/) const override {
    return linear(inputs(plan), layer_.weight, layer_.bias);
  }

  [[nodiscard]] LinearLayer& layer() { return layer_; }

 private:
  const FeatureTable& table_;
  LinearLayer layer_;
};

class EarlyLinearFold final : public PlainFold {
 public:
  explicit EarlyLinearFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<EarlyLinearSettings>("early_linear")) {}

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    const StageName name = {"early_linear.fit",
                            {bits_text(patterns), settings_text("early_linear")},
                            "fit " + bits_text(patterns)};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      EarlyLinearNetwork network(data, nullptr);
      const BatchPlan plan = training_rows(data, patterns, services);
      const auto judge = judge_of(data, [&] {
        return validation_value(data, network, patterns, config_.protocol.selection);
      });
      fit_linear_path(*data.objective, network.inputs(plan), targets_of(data, plan), settings_.path,
                      network.layer(), judge, services);
      return network_file(network, {});
    });
  }

 private:
  static constexpr int kStageVersion = 1;

  /// Every training utterance under the given pattern, or `draws` times under drawn patterns.
  [[nodiscard]] BatchPlan training_rows(const FoldData& data, const std::vector<Pattern>& patterns,
                                        const StageServices& services) const {
    auto draws = services.seeds.stream("early_linear.patterns");
    const auto count = static_cast<std::int64_t>(patterns.size());
    BatchPlan plan;
    for (std::int64_t draw = 0; draw < (count > 1 ? settings_.draws : 1); ++draw) {
      for (const auto utterance : data.train) {
        const auto pattern = patterns[static_cast<std::size_t>(draw_index(draws, count))];
        plan.rows.push_back({utterance, 0, -1, pattern});
      }
    }
    plan.close_dialogue();
    return plan;
  }

  const EarlyLinearSettings& settings_;
};

class EarlyLinear final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<EarlyLinearFold>(request);
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data,
                                                      const Config& /*config*/,
                                                      Generator* initial) const override {
    return std::make_unique<EarlyLinearNetwork>(data, initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_early_linear() { return std::make_unique<EarlyLinear>(); }

}  // namespace hardy
