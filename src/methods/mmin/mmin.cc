#include "methods/mmin/mmin.h"

#include <torch/types.h>

namespace hardy {
namespace {

const std::vector<std::int64_t> kCascade = {256, 128, 64};

}  // namespace

MminNetwork::MminNetwork(const FoldData& data, const MminSettings& settings, Generator* initial)
    : Network(data.table.features.front().device(), initial),
      dropout_(settings.training.dropout),
      encoders_(parameters_, "encoder", data, settings.hidden, this->initial()),
      forth_(parameters_, "forth", data.table.modality_count() * settings.hidden, kCascade,
             settings.blocks, this->initial()),
      back_(parameters_, "back", data.table.modality_count() * settings.hidden, kCascade,
            settings.blocks, this->initial()),
      classifier_(parameters_, "classifier",
                  {settings.blocks * kCascade.back(), settings.hidden, settings.hidden,
                   data.objective->outputs()},
                  this->initial()) {
  if (initial == nullptr) return;
  constexpr double kDeviation = 0.02;
  for (const char* part : {"forth", "back", "classifier"}) {
    redraw_normal(parameters_, part, kDeviation, *initial);
  }
}

at::Tensor MminNetwork::classify(const std::vector<at::Tensor>& latents,
                                 DropoutStream& stream) const {
  return classifier_.forward(at::cat(latents, 1), dropout_, stream);
}

MminNetwork::Pass MminNetwork::forward(const BatchPlan& plan, DropoutStream& stream) const {
  Pass pass;
  pass.given = encoders_.encode(plan, dropout_, stream);
  const auto imagined = forth_.forward(pass.given);
  pass.imagined = imagined.rebuilt;
  pass.given_back = back_.forward(pass.imagined).rebuilt;
  pass.logits = classify(imagined.latents, stream);
  return pass;
}

at::Tensor MminNetwork::logits(const BatchPlan& plan, DropoutStream& stream) const {
  return classify(forth_.forward(encoders_.encode(plan, dropout_, stream)).latents, stream);
}

at::Tensor mmin_loss(const FoldData& data, const MminNetwork& network, const FusionNetwork& teacher,
                     const MminSettings& settings, const BatchPlan& plan, DropoutStream& stream) {
  const auto pass = network.forward(plan, stream);
  auto loss = label_loss(data, pass.logits, plan);
  at::Tensor target;
  {
    at::NoGradGuard no_gradient;
    DropoutStream off;
    target = teacher.encoders().encode(complement(data.table, plan), 0, off);
  }
  loss = loss + settings.imagination_weight * imagination_loss(pass.imagined, target);
  return loss + settings.cycle_weight * imagination_loss(pass.given_back, pass.given);
}

EpochLoopOptions linear_decay_loop(const std::string& stage, const LinearDecayStage& published,
                                   std::int64_t batch, std::int64_t patience) {
  EpochLoopOptions loop;
  loop.stage = stage;
  loop.epochs = published.constant_epochs + published.decay_epochs;
  loop.patience = patience;
  loop.optimiser.batch = batch;
  loop.optimiser.learning_rate = published.learning_rate;
  loop.optimiser.weight_decay = 0;
  loop.optimiser.clip = published.clip;
  loop.beta1 = published.beta1;
  loop.epoch_rate = [published](std::int64_t epoch) {
    return linear_decay(epoch, published.constant_epochs, published.decay_epochs);
  };
  return loop;
}

namespace {

class MminFold final : public PlainFold {
 public:
  explicit MminFold(const FoldRequest& request)
      : PlainFold(request, kStageVersion),
        settings_(request.config.methods.of<MminSettings>("mmin")) {}

  [[nodiscard]] std::vector<SharedStage> shared_stages() override {
    return {{"pretraining", 1 + 0.1 * static_cast<double>(settings_.pretraining.decay_epochs),
             [this](const FoldData& data, TaskContext& context) {
               static_cast<void>(pretrained(data, context));
             }}};
  }

  [[nodiscard]] double fit_cost() const override {
    return 1 + static_cast<double>(settings_.training.decay_epochs);
  }

  [[nodiscard]] TensorFile fit(const FoldData& data, const std::vector<Pattern>& patterns,
                               TaskContext& context) const override {
    const StageName name = {
        "mmin.fit", {bits_text(patterns), settings_text("mmin")}, "fit " + bits_text(patterns)};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      const auto start = pretrained(data, context);
      FusionNetwork teacher(data, settings_.hidden, 0, nullptr);
      teacher.parameters().load(start, "model.");
      auto initial = services.seeds.stream("mmin.init");
      MminNetwork network(data, settings_, &initial);
      load_part(network, start, "encoder.");
      NetworkStage stage;
      stage.loop = linear_decay_loop("mmin.patterns", settings_.training, settings_.batch,
                                     settings_.patience);
      stage.unit = BatchUnit::kUtterances;
      stage.patterns = patterns;
      stage.loss = [&](const BatchPlan& plan, DropoutStream& stream, Generator&) {
        return mmin_loss(data, network, teacher, settings_, plan, stream);
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

  /// Encoders and classifier, trained on complete data; shared by every pattern.
  [[nodiscard]] TensorFile pretrained(const FoldData& data, TaskContext& context) const {
    const StageName name = {"mmin.pretrain", {settings_text("mmin")}, "pretrain"};
    return stage_.get_or_compute(name, context, [&](const StageServices& services) {
      auto initial = services.seeds.stream("mmin.pretrain.init");
      FusionNetwork network(data, settings_.hidden, settings_.pretraining.dropout, &initial);
      const std::vector<Pattern> complete = {Pattern::complete(data.table.modality_count())};
      NetworkStage stage;
      stage.loop = linear_decay_loop("mmin.complete", settings_.pretraining, settings_.batch,
                                     settings_.patience);
      stage.unit = BatchUnit::kUtterances;
      stage.patterns = complete;
      stage.loss = [&](const BatchPlan& plan, DropoutStream& stream, Generator&) {
        return label_loss(data, network.logits(plan, stream), plan);
      };
      stage.validation_loss = [&] {
        return validation_value(data, network, complete, config_.protocol.selection);
      };
      train_network(data, network.parameters(), stage, services);
      return network_file(network, {});
    });
  }

  const MminSettings& settings_;
};

class Mmin final : public NetworkMethod {
 public:
  [[nodiscard]] std::unique_ptr<FoldMethod> on_fold(const FoldRequest& request) const override {
    return std::make_unique<MminFold>(request);
  }

  [[nodiscard]] std::unique_ptr<Network> make_network(const FoldData& data, const Config& config,
                                                      Generator* initial) const override {
    return std::make_unique<MminNetwork>(data, config.methods.of<MminSettings>("mmin"), initial);
  }
};

}  // namespace

std::unique_ptr<const Method> make_mmin() { return std::make_unique<Mmin>(); }

}  // namespace hardy
