#include "methods/cif_mmin/cif_mmin.h"

#include <torch/types.h>

#include "methods/mmin/mmin.h"

namespace hardy {
namespace {

const std::vector<std::int64_t> kImaginationCascade = {256, 128, 64};
constexpr double kSlope = 0.01;  // of LeakyReLU

/// Widths of the classifier: classes and values have different heads, as published.
std::vector<std::int64_t> head_widths(const FoldData& data, std::int64_t hidden) {
  const auto in = data.table.modality_count() * hidden;
  const bool has_classes = data.objective->is_classification();
  return {in, hidden, has_classes ? hidden : hidden / 2, data.objective->outputs()};
}

}  // namespace

InvariantNetwork::InvariantNetwork(const FoldData& data, const CifMminSettings& settings,
                                   Generator* initial)
    : Network(data.table.features.front().device(), initial),
      data_(data),
      dropout_(settings.pretraining.dropout),
      specific_(parameters_, "specific", data, settings.hidden, this->initial()),
      invariant_(parameters_, "invariant", data, settings.hidden, this->initial()),
      classifier_(parameters_, "classifier", head_widths(data, settings.hidden), this->initial()) {
  const auto width = settings.hidden;
  for (const auto& modality : data.corpus->modalities) {
    const auto name = "projector." + modality.name;
    projectors_.push_back(
        {parameters_.add_linear(name + ".first", width, width, this->initial()), LinearLayer{},
         parameters_.add_linear(name + ".second", width, width, this->initial())});
  }
  if (initial != nullptr) redraw_normal(parameters_, "", 0, *initial);
  for (std::size_t m = 0; m < projectors_.size(); ++m) {
    const auto name = "projector." + data.corpus->modalities[m].name + ".norm";
    projectors_[m].norm = {parameters_.add_constant(name + ".weight", {width}, 1.0),
                           parameters_.add_constant(name + ".bias", {width}, 0.0)};
  }
  temperature_ = parameters_.add_constant("temperature", {1}, 1.0);
}

at::Tensor InvariantNetwork::logits(const BatchPlan& plan, DropoutStream& stream) const {
  return classifier_.forward(specific_.encode(plan, dropout_, stream), dropout_, stream);
}

at::Tensor InvariantNetwork::project(std::size_t m, const at::Tensor& x) const {
  const auto& layers = projectors_[m];
  const auto first = at::leaky_relu(linear(x, layers.first.weight, layers.first.bias), kSlope);
  const auto normed = at::layer_norm(first, {first.size(1)}, layers.norm.weight, layers.norm.bias);
  const auto second =
      at::leaky_relu(linear(normed, layers.second.weight, layers.second.bias), kSlope);
  return second / second.norm(2, {1}, true).clamp_min(1e-12);
}

at::Tensor InvariantNetwork::contrast(const BatchPlan& plan, DropoutStream& stream) const {
  const auto encoded = invariant_.encode_each(plan, dropout_, stream);
  std::vector<at::Tensor> projected;
  for (std::size_t m = 0; m < encoded.size(); ++m) projected.push_back(project(m, encoded[m]));
  const auto weights = pair_weights(data_.corpus->modality_names());
  auto loss = at::zeros({}, at::TensorOptions(at::kFloat).device(device()));
  std::size_t pair = 0;
  for (std::size_t x = 0; x < projected.size(); ++x) {
    for (std::size_t y = x + 1; y < projected.size(); ++y) {
      std::vector<std::int64_t> rows;
      for (std::size_t r = 0; r < plan.rows.size(); ++r) {
        const auto& row = plan.rows[r];
        const auto there =
            row.pattern & data_.table.present[static_cast<std::size_t>(row.utterance)];
        if (there.has(static_cast<int>(x)) && there.has(static_cast<int>(y))) {
          rows.push_back(static_cast<std::int64_t>(r));
        }
      }
      const double weight = weights[pair++];
      if (rows.size() < 2) continue;
      const auto index = index_tensor(rows, device());
      loss = loss + weight * decoupled_contrast(projected[x].index_select(0, index),
                                                projected[y].index_select(0, index),
                                                temperature_.exp());
    }
  }
  return loss;
}

at::Tensor decoupled_contrast(const at::Tensor& x, const at::Tensor& y, const at::Tensor& tau) {
  const auto n = x.size(0);
  if (n < 2) return at::zeros({}, x.options());
  const auto scores = at::matmul(x, y.t()) * tau;  // [n, n]; positive pairs on the diagonal
  const auto positive = scores.diagonal();
  const auto others = scores.exp() * (1 - at::eye(n, x.options()));
  const auto forth = ((others.sum(1) + 1e-10).log() - positive).mean();
  const auto back = ((others.sum(0) + 1e-10).log() - positive).mean();
  return (forth + back) / 2;
}

std::vector<double> pair_weights(const std::vector<std::string>& modality_names) {
  std::vector<double> weights;
  double total = 0;
  for (std::size_t x = 0; x < modality_names.size(); ++x) {
    for (std::size_t y = x + 1; y < modality_names.size(); ++y) {
      const bool has_text =
          modality_names[x].starts_with("text") || modality_names[y].starts_with("text");
      weights.push_back(has_text ? 0.5 : 1.0);
      total += weights.back();
    }
  }
  for (auto& weight : weights) weight /= total;
  return weights;
}

CifMminNetwork::CifMminNetwork(const FoldData& data, const CifMminSettings& settings,
                               Generator* initial)
    : Network(data.table.features.front().device(), initial),
      dropout_(settings.training.dropout),
      specific_(parameters_, "specific", data, settings.hidden, this->initial()),
      invariant_(parameters_, "invariant", data, settings.hidden, this->initial()),
      cascade_(parameters_, "cascade", data.table.modality_count() * settings.hidden,
               kImaginationCascade, settings.blocks, this->initial()),
      classifier_(parameters_, "classifier", head_widths(data, settings.hidden), this->initial()) {
  if (initial != nullptr) redraw_normal(parameters_, "", 0, *initial);
}

CifMminNetwork::Pass CifMminNetwork::forward(const BatchPlan& plan, DropoutStream& stream) const {
  Pass pass;
  const auto given = specific_.encode(plan, dropout_, stream);
  pass.invariant = invariant_.encode(plan, dropout_, stream);
  pass.imagined = cascade_.forward_with(given, pass.invariant);
  pass.logits = classifier_.forward(given + pass.imagined, dropout_, stream);
  return pass;
}

at::Tensor cif_mmin_loss(const FoldData& data, const CifMminNetwork& network,
                         const InvariantNetwork& teacher, const CifMminSettings& settings,
                         const BatchPlan& plan, DropoutStream& stream) {
  const auto pass = network.forward(plan, stream);
  at::Tensor specific;
  at::Tensor invariant;
  {
    at::NoGradGuard no_gradient;
    DropoutStream off;
    specific = teacher.specific().encode(complement(data.table, plan), 0, off);
    invariant = teacher.invariant().encode(completed(data.table, plan), 0, off);
  }
  auto loss = label_loss(data, pass.logits, plan);
  loss = loss + settings.imagination_weight * imagination_loss(pass.imagined, specific);
  return loss + settings.invariance_weight * imagination_loss(pass.invariant, invariant);
}

namespace {

class CifMminFold final : public PlainFold {
 public:
  explicit CifMminFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<CifMminSettings>("cif_mmin")) {}

  [[nodiscard]] std::vector<SharedStage> shared_stages() override {
    return {{"pretraining", 1 + 0.5 * static_cast<double>(settings_.pretraining.decay_epochs),
             [this](const FoldData& data, TaskContext& context) {
               static_cast<void>(pretrained(data, context));
             }}};
  }

  [[nodiscard]] double fit_cost() const override {
    return 1 + static_cast<double>(settings_.training.decay_epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    const StageName name = {"cif_mmin.fit",
                            {bits_text(patterns), settings_text("cif_mmin")},
                            "fit " + bits_text(patterns)};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      const auto start = pretrained(data, context);
      InvariantNetwork teacher(data, settings_, nullptr);
      teacher.parameters().load(start, "model.");
      auto initial = services.seeds.stream("cif_mmin.init");
      CifMminNetwork network(data, settings_, &initial);
      load_part(network, start, "specific.");
      load_part(network, start, "invariant.");
      NetworkStage stage;
      stage.loop = linear_decay_loop("cif_mmin.patterns", settings_.training, settings_.batch,
                                     settings_.patience);
      stage.unit = BatchUnit::kUtterances;
      stage.patterns = patterns;
      stage.loss = [&](const BatchPlan& plan, DropoutStream& stream, Generator&) {
        return cif_mmin_loss(data, network, teacher, settings_, plan, stream);
      };
      stage.validation_loss = [&] {
        return validation_value(data, network, patterns, config_.protocol.selection);
      };
      const auto curve = train_network(data, network.parameters(), stage, services);
      return network_file(network, curve);
    });
  }

 private:
  static constexpr int kStageVersion = 2;

  /// Both encoder families, trained on complete data; shared by every pattern.
  [[nodiscard]] TensorFile pretrained(const FoldData& data, TaskContext& context) const {
    const StageName name = {"cif_mmin.pretrain", {settings_text("cif_mmin")}, "pretrain"};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      auto initial = services.seeds.stream("cif_mmin.pretrain.init");
      InvariantNetwork network(data, settings_, &initial);
      const std::vector<Pattern> complete = {Pattern::complete(data.table.modality_count())};
      NetworkStage stage;
      stage.loop = linear_decay_loop("cif_mmin.complete", settings_.pretraining, settings_.batch,
                                     settings_.patience);
      stage.unit = BatchUnit::kUtterances;
      stage.patterns = complete;
      stage.loss = [&](const BatchPlan& plan, DropoutStream& stream, Generator&) {
        return label_loss(data, network.logits(plan, stream), plan) +
               settings_.contrast_weight * network.contrast(plan, stream);
      };
      stage.validation_loss = [&] {
        return validation_value(data, network, complete, config_.protocol.selection);
      };
      train_network(data, network.parameters(), stage, services);
      return network_file(network, {});
    });
  }

  const CifMminSettings& settings_;
};

class CifMmin final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<CifMminFold>(request);
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data, const Config& config,
                                                      Generator* initial) const override {
    return std::make_unique<CifMminNetwork>(data, config.methods.of<CifMminSettings>("cif_mmin"),
                                            initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_cif_mmin() { return std::make_unique<CifMmin>(); }

}  // namespace hardy
