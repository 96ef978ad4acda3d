#include "methods/momke/momke.h"

#include <torch/types.h>

#include "train/recogniser_data.h"

namespace hardy {
MomkeNetwork::MomkeNetwork(const FeatureTable& table, const BackboneOptions& options,
                           Generator* initial)
    : Network(table.features.front().device(), initial),
      table_(table),
      backbone_(options, parameters_, this->initial()) {
  const auto hidden = options.encoder.hidden;
  const auto experts = static_cast<std::int64_t>(options.modality_names.size());
  for (const auto& name : options.modality_names) {
    Router router;
    router.fc1 = parameters_.add_linear("router." + name + ".fc1", hidden, hidden, this->initial());
    router.fc2 =
        parameters_.add_linear("router." + name + ".fc2", hidden, experts, this->initial());
    routers_.push_back(router);
  }
}

at::Tensor MomkeNetwork::mix(int m, const ModalityRows& rows, DropoutStream& dropout_stream) const {
  const double p = backbone_.options().encoder.dropout;
  const auto& router = routers_[static_cast<std::size_t>(m)];
  const auto embedded = backbone_.embed(m, rows.inputs, dropout_stream);
  const auto inner =
      gelu_dropout(linear(embedded, router.fc1.weight, router.fc1.bias), p, dropout_stream);
  const auto scores = dropout(linear(inner, router.fc2.weight, router.fc2.bias), p, dropout_stream);
  const auto weights = at::softmax(scores, 1);
  at::Tensor sum;
  for (std::size_t e = 0; e < routers_.size(); ++e) {
    const auto expert = static_cast<std::int64_t>(e);
    const auto z =
        backbone_.expert(static_cast<int>(e)).forward(embedded, rows.segments, dropout_stream);
    const auto part = z * weights.narrow(1, expert, 1);
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

Encoded MomkeNetwork::encode(const Batch& batch, DropoutStream& dropout_stream) const {
  Encoded encoded;
  for (std::size_t m = 0; m < batch.modalities.size(); ++m) {
    const auto& rows = batch.modalities[m];
    encoded.z.push_back(rows.count == 0 ? at::Tensor()
                                        : mix(static_cast<int>(m), rows, dropout_stream));
  }
  return encoded;
}

at::Tensor MomkeNetwork::logits(const BatchPlan& plan, DropoutStream& dropout_stream) const {
  const Batch batch = make_batch(table_, plan);
  return backbone_.classify(backbone_.fuse(batch, encode(batch, dropout_stream), dropout_stream));
}

std::vector<at::Tensor> MomkeNetwork::logits_by_pattern(
    const BatchPlan& plan, const std::vector<Pattern>& patterns) const {
  DropoutStream off;
  const Batch batch = make_batch(table_, plan);
  return backbone_.classify_under(batch, encode(batch, off), patterns);
}

at::Tensor MomkeNetwork::modality_logits(const Batch& batch, int m,
                                         DropoutStream& dropout_stream) const {
  const auto& rows = batch.modalities[static_cast<std::size_t>(m)];
  const auto embedded = backbone_.embed(m, rows.inputs, dropout_stream);
  return backbone_.classify_modality(
      m, backbone_.expert(m).forward(embedded, rows.segments, dropout_stream));
}

BackboneOptions momke_options(const FoldData& data, const MomkeSettings& settings) {
  EncoderConfig encoder;
  encoder.hidden = settings.hidden;
  encoder.depth = settings.depth;
  encoder.heads = settings.heads;
  encoder.dropout = settings.dropout;
  encoder.norm = Norm::kNone;
  encoder.position = Position::kNone;
  encoder.speaker = SpeakerBias::kNone;
  BackboneOptions options = backbone_options(data, encoder);
  options.has_decoder = false;
  return options;
}

namespace {

/// Loss of stage 1: sum over modalities of the cross-entropy of their heads.
at::Tensor heads_loss(const FoldData& data, const MomkeNetwork& network, const BatchPlan& plan,
                      DropoutStream& dropout_stream) {
  const Batch batch = make_batch(data.table, plan);
  const auto targets = data.objective->targets(batch.utterances);
  auto loss = at::zeros({}, at::TensorOptions(at::kFloat).device(network.device()));
  for (std::size_t m = 0; m < batch.modalities.size(); ++m) {
    const auto& rows = batch.modalities[m];
    if (rows.count == 0) continue;
    const auto logits = network.modality_logits(batch, static_cast<int>(m), dropout_stream);
    loss =
        loss + data.objective->loss(
                   logits, rows.covers_all() ? targets : targets.index_select(0, rows.index), {});
  }
  return loss;
}

class MomkeFold final : public PlainFold {
 public:
  explicit MomkeFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<MomkeSettings>("momke")) {}

  [[nodiscard]] std::vector<SharedStage> shared_stages() override {
    return {{"pretraining", 1 + static_cast<double>(settings_.complete_epochs),
             [this](const FoldData& data, TaskContext& context) {
               static_cast<void>(pretrained(data, context));
             }}};
  }

  [[nodiscard]] double fit_cost() const override {
    return 1 + 3 * static_cast<double>(settings_.pattern_epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    const StageName name = {
        "momke.fit", {bits_text(patterns), settings_text("momke")}, "fit " + bits_text(patterns)};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      MomkeNetwork network(data.table, momke_options(data, settings_), nullptr);
      network.parameters().load(pretrained(data, context), "model.");
      NetworkStage stage;
      stage.loop = loop("momke.patterns", settings_.pattern_epochs);
      stage.patterns = patterns;
      stage.loss = [&](const BatchPlan& plan, DropoutStream& dropout_stream, Generator&) {
        return label_loss(data, network.logits(plan, dropout_stream), plan);
      };
      stage.validation_loss = [&] {
        return validation_value(data, network, patterns, config_.protocol.selection);
      };
      const auto curve = train_network(data, network.parameters(), stage, services);
      return network_file(network, curve);
    });
  }

 private:
  static constexpr int kStageVersion = 1;

  [[nodiscard]] EpochLoopOptions loop(const std::string& stage, std::int64_t epochs) const {
    EpochLoopOptions options;
    options.stage = stage;
    options.epochs = epochs;
    options.patience = settings_.patience;
    options.optimiser = settings_.optimiser;
    return options;
  }

  /// Stage 1, shared by every pattern.
  [[nodiscard]] TensorFile pretrained(const FoldData& data, TaskContext& context) const {
    const StageName name = {"momke.pretrain", {settings_text("momke")}, "pretrain"};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      auto initial = services.seeds.stream("momke.init");
      MomkeNetwork network(data.table, momke_options(data, settings_), &initial);
      const auto complete = Pattern::complete(data.table.modality_count());
      NetworkStage stage;
      stage.loop = loop("momke.complete", settings_.complete_epochs);
      stage.patterns = {complete};
      stage.loss = [&](const BatchPlan& plan, DropoutStream& dropout_stream, Generator&) {
        return heads_loss(data, network, plan, dropout_stream);
      };
      stage.validation_loss = [&] {
        at::NoGradGuard no_gradient;
        return mean_over_validation(data, complete, [&](const BatchPlan& plan) {
          DropoutStream off;
          return heads_loss(data, network, plan, off).item<double>();
        });
      };
      train_network(data, network.parameters(), stage, services);
      return network_file(network, {});
    });
  }

  const MomkeSettings& settings_;
};

class Momke final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<MomkeFold>(request);
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data, const Config& config,
                                                      Generator* initial) const override {
    const auto& settings = config.methods.of<MomkeSettings>("momke");
    return std::make_unique<MomkeNetwork>(data.table, momke_options(data, settings), initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_momke() { return std::make_unique<Momke>(); }

}  // namespace hardy
