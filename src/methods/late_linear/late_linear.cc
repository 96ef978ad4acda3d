// A linear model per modality; the outputs of the available ones are averaged. The models do not
// depend on the pattern, so every fit of a fold is the same.
#include <torch/types.h>

#include "methods/early_linear/linear_path.h"
#include "methods/late_linear/settings.h"
#include "train/recogniser_data.h"

namespace hardy {
namespace {

class LateLinearNetwork final : public Network {
 public:
  LateLinearNetwork(const FoldData& data, Generator* initial)
      : Network(data.table.features.front().device(), initial), data_(data) {
    for (const auto& modality : data.corpus->modalities) {
      layers_.push_back(parameters_.add_linear("layer." + modality.name, modality.width,
                                               data.objective->outputs(), this->initial()));
    }
  }

  /// The logarithm of the mean probability (whose softmax is that mean), or the mean value, over
  /// the available modalities; equal probabilities, or 0, for a row without any.
  [[nodiscard]] at::Tensor logits(const BatchPlan& plan, DropoutStream& /*stream*/) const override {
    const Batch batch = make_batch(data_.table, plan);
    const auto options = layers_.front().weight.options().requires_grad(false);
    auto sum = at::zeros({batch.rows, data_.objective->outputs()}, options);
    auto count = at::zeros({batch.rows, 1}, options);
    for (std::size_t m = 0; m < layers_.size(); ++m) {
      const auto& rows = batch.modalities[m];
      if (rows.count == 0) continue;
      const auto outputs =
          data_.objective->outputs_of(linear(rows.inputs, layers_[m].weight, layers_[m].bias));
      const auto one = at::ones({rows.count, 1}, options);
      sum = rows.covers_all() ? sum + outputs : sum.index_add(0, rows.index, outputs);
      count = rows.covers_all() ? count + one : count.index_add(0, rows.index, one);
    }
    const auto mean = sum / count.clamp_min(1);
    if (data_.objective->is_classification()) return (mean + 1e-12).log();
    // For several labels outputs_of also expects logits.
    return data_.corpus->label_kind == LabelKind::kLabels ? at::logit(mean, 1e-6) : mean;
  }

  [[nodiscard]] LinearLayer& layer(int m) { return layers_[static_cast<std::size_t>(m)]; }

 private:
  const FoldData& data_;
  std::vector<LinearLayer> layers_;
};

class LateLinearFold final : public PlainFold {
 public:
  explicit LateLinearFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<LateLinearSettings>("late_linear")) {}

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& /*patterns*/,
                               TaskContext& context) const override {
    const StageName name = {"late_linear.fit", {settings_text("late_linear")}, "fit"};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      LateLinearNetwork network(data, nullptr);
      for (int m = 0; m < data.table.modality_count(); ++m) {
        fit_modality(data, network, m, services);
      }
      return network_file(network, {});
    });
  }

 private:
  static constexpr int kStageVersion = 1;

  void fit_modality(const FoldData& data, LateLinearNetwork& network, int m,
                    const StageServices& services) const {
    std::vector<std::int64_t> utterances;
    for (const auto u : data.train) {
      if (data.table.present[static_cast<std::size_t>(u)].has(m)) utterances.push_back(u);
    }
    if (utterances.empty()) return;
    const auto rows = index_tensor(utterances, network.device());
    const auto judge = judge_of(data, [&] {
      return validation_value(data, network, {Pattern::only(m)}, config_.protocol.selection);
    });
    const auto& features = data.table.features[static_cast<std::size_t>(m)];
    fit_linear_path(*data.objective, features.index_select(0, rows), data.objective->targets(rows),
                    settings_.path, network.layer(m), judge, services);
  }

  const LateLinearSettings& settings_;
};

class LateLinear final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<LateLinearFold>(request);
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data,
                                                      const Config& /*config*/,
                                                      Generator* initial) const override {
    return std::make_unique<LateLinearNetwork>(data, initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_late_linear() { return std::make_unique<LateLinear>(); }

}  // namespace hardy
