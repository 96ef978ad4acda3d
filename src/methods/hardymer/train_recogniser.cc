#include "methods/hardymer/train_recogniser.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hardy/errors.h"
#include "methods/hardymer/curriculum_draws.h"
#include "methods/hardymer/mixture.h"
#include "methods/hardymer/settings.h"
#include "train/recogniser_data.h"

namespace hardy {
namespace {

constexpr const char* kPrefix = "model.";

/// Labels and weights of the rows of a batch. Undefined tensors: own labels, equal weights.
struct Practice {
  at::Tensor targets = {};  ///< [n] labels in place of the rows' own
  at::Tensor weights = {};  ///< [n]
  Mixture mixture = {};
  bool mixes_labels = true;  ///< false = the rows keep their labels when mixed
};

/// The network with its parameters, and the losses of both stages.
class TrainedNetwork {
 public:
  /// Draws the parameters from a stream.
  TrainedNetwork(const FoldData& data, const RecogniserConfig& config, Generator initial)
      : data_(data),
        config_(config),
        seams_(own_seams()),
        device_(data.table.features.front().device()),
        parameters_(device_),
        backbone_(backbone_options(data, config.encoder), parameters_, initial) {}

  /// Loads the parameters from a file.
  TrainedNetwork(const FoldData& data, const RecogniserConfig& config, const TensorFile& model,
                 const HardyMerSeams& seams = own_seams())
      : data_(data),
        config_(config),
        seams_(seams),
        device_(data.table.features.front().device()),
        parameters_(undrawn(device_)),
        backbone_(backbone_options(data, config.encoder), parameters_, unused_) {
    parameters_.load(model, kPrefix);
  }

  ParameterSet& parameters() { return parameters_; }

  [[nodiscard]] at::Device device() const { return device_; }

  /// Sum over the modalities of the loss of their heads.
  at::Tensor modality_loss(const BatchPlan& plan, DropoutStream& dropout_stream) const {
    const Batch batch = make_batch(data_.table, plan);
    const auto encoded = backbone_.encode(batch, dropout_stream);
    const auto targets = data_.objective->targets(batch.utterances);
    auto loss = at::zeros({}, at::TensorOptions(at::kFloat).device(device_));
    for (std::size_t m = 0; m < encoded.z.size(); ++m) {
      const auto& rows = batch.modalities[m];
      if (rows.count == 0) continue;
      loss = loss + data_.objective->loss(
                        backbone_.classify_modality(static_cast<int>(m), encoded.z[m]),
                        rows.covers_all() ? targets : targets.index_select(0, rows.index), {});
    }
    return loss;
  }

  /// Loss of the joint head plus reconstruction of the modalities that the pattern masks.
  at::Tensor joint_loss(const BatchPlan& plan, const Practice& practice,
                        DropoutStream& dropout_stream) const {
    Batch batch = make_batch(data_.table, plan);
    const Mixture& mixture = practice.mixture;
    if (mixture.is_used()) mixture.blend_inputs(data_.table, batch);
    const auto fused =
        backbone_.fuse(batch, backbone_.encode(batch, dropout_stream), dropout_stream);
    auto loss = label_loss(plan, backbone_.classify(fused), practice);
    if (config_.reconstruction_weight == 0) return loss;
    const auto& weights = practice.weights;
    std::vector<std::vector<std::int64_t>> rows;
    for (int m = 0; m < data_.table.modality_count(); ++m) {
      rows.push_back(rows_with_target(data_.table, plan, m, false));
    }
    const auto rebuilt = backbone_.reconstruct(fused, rows);
    auto all = weights.defined()
                   ? weights
                   : at::ones({batch.rows}, at::TensorOptions(at::kFloat).device(device_));
    const auto scale = config_.reconstruction_weight / all.sum();
    if (const auto mask = seams_.row_mask(plan, device_); mask.defined()) all = all * mask;
    const auto padding = seams_.padding_error(backbone_, plan, false, dropout_stream);
    if (padding.defined()) loss = loss + scale * padding;
    for (std::size_t m = 0; m < rows.size(); ++m) {
      if (rows[m].empty()) continue;
      const auto index = index_tensor(rows[m], device_);
      auto truth = true_features(data_.table, batch, m, rows[m]);
      if (mixture.is_used()) truth = mixture.blend(data_.table.features[m], truth, index);
      loss = loss + scale * weighted_squared_error(rebuilt[m], truth, all.index_select(0, index));
    }
    return loss;
  }

  [[nodiscard]] at::Tensor predict(const BatchPlan& plan) const {
    at::NoGradGuard no_gradient;
    return data_.objective->outputs_of(
        logits(plan, {Pattern::complete(data_.table.modality_count())}).front());
  }

  /// Outputs on whole dialogues, in the order of predict_dialogues.
  [[nodiscard]] std::vector<float> predict(const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const {
    std::vector<float> outputs;
    for (const auto& plan : chunk_plans(data_, dialogues, pattern)) {
      const auto part = to_floats(predict(plan));
      outputs.insert(outputs.end(), part.begin(), part.end());
    }
    return outputs;
  }

  /// Backbone::classify_under of the plan's rows.
  [[nodiscard]] std::vector<at::Tensor> logits(const BatchPlan& plan,
                                               const std::vector<Pattern>& patterns) const {
    DropoutStream off;
    const Batch batch = make_batch(data_.table, plan);
    return backbone_.classify_under(batch, backbone_.encode(batch, off), patterns);
  }

 private:
  at::Tensor label_loss(const BatchPlan& plan, const at::Tensor& logits,
                        const Practice& practice) const {
    const auto complete = Pattern::complete(data_.table.modality_count());
    const auto own = practice.targets.defined()
                         ? readable_targets(data_, plan, complete, practice.targets)
                         : targets_of(data_, plan);
    const Mixture& mixture = practice.mixture;
    if (!mixture.is_used() || !practice.mixes_labels) {
      return data_.objective->loss(logits, own, practice.weights);
    }
    // The loss on a mixed label is the mixture of the losses on its parts (for squared error up to
    // a constant).
    const auto theirs =
        readable_targets(data_, plan, complete, data_.objective->targets(mixture.partners()));
    return data_.objective->loss(at::cat({logits, logits}), at::cat({own, theirs}),
                                 at::cat({1 - mixture.shares(), mixture.shares()}));
  }

  static ParameterSet undrawn(at::Device device) {
    ParameterSet parameters(device);
    parameters.skip_drawing();
    return parameters;
  }

  const FoldData& data_;
  const RecogniserConfig& config_;
  const HardyMerSeams& seams_;
  at::Device device_;
  Generator unused_;
  ParameterSet parameters_;
  Backbone backbone_;
};

EpochLoopOptions loop_options(const FoldData& data, const RecogniserConfig& config,
                              const std::string& stage, std::int64_t epochs) {
  EpochLoopOptions options;
  options.stage = stage;
  options.items = static_cast<std::int64_t>(data.fold.train.size());
  options.epochs = epochs;
  options.patience = config.patience;
  options.optimiser = config.optimiser;
  return options;
}

/// Batches of the second stage: utterances, patterns and weights.
class CurriculumBatches {
 public:
  CurriculumBatches(const FoldData& data, const Config& config, const CurriculumPlan& plan)
      : data_(data), config_(config), plan_(plan), draws_(data, config, plan) {
    for (const auto& supports : plan.supports) longest_ = std::max(longest_, supports.longest());
  }

  void run(const TrainedNetwork& recogniser, const std::vector<std::int64_t>& items,
           BatchStreams& streams, const std::function<void(const at::Tensor&)>& update) const {
    BatchPlan plan = training_plan(data_, items, plan_.patterns.front());
    const auto choice = draws_.draw_patterns(plan, streams.draws);
    DropoutStream dropout_stream(streams.dropout);
    const auto device = recogniser.device();
    Practice practice;
    if (draws_.gives_weights()) practice.weights = draws_.weights(plan, choice, device);
    if (draws_.gives_mixtures()) {
      practice.mixture = draws_.draw_mixture(plan, choice, device, streams.draws);
      practice.mixes_labels =
          hardymer_settings(config_).retrieval.support_label == SupportLabel::kOwn;
    }
    update(recogniser.joint_loss(plan, practice, dropout_stream));
    if (hardymer_settings(config_).retrieval.supports != SupportUse::kSlots) return;
    for (std::size_t rank = 0; rank < longest_; ++rank) {
      run_slot(recogniser, plan, choice, rank, dropout_stream, update);
    }
  }

 private:
  /// Pass `rank`: every utterance that has a support of this rank is replaced by it.
  void run_slot(const TrainedNetwork& recogniser, const BatchPlan& plan,
                const std::vector<std::size_t>& choice, std::size_t rank,
                DropoutStream& dropout_stream,
                const std::function<void(const at::Tensor&)>& update) const {
    BatchPlan slot;
    std::vector<std::int64_t> queries;
    for (std::size_t d = 0; d + 1 < plan.offsets.size(); ++d) {
      for (auto r = static_cast<std::size_t>(plan.offsets[d]);
           r < static_cast<std::size_t>(plan.offsets[d + 1]); ++r) {
        BatchRow row = plan.rows[r];
        const auto query = static_cast<std::size_t>(data_.train_row(row.utterance));
        const auto& supports = plan_.supports[choice[r]].of[query];
        if (rank >= supports.size()) continue;
        queries.push_back(row.utterance);
        row.utterance = data_.train[static_cast<std::size_t>(supports[rank])];
        row.speaker = data_.table.speakers[static_cast<std::size_t>(row.utterance)];
        slot.rows.push_back(row);
      }
      slot.close_dialogue();
    }
    if (slot.rows.empty()) return;
    at::Tensor targets;
    if (hardymer_settings(config_).retrieval.support_label == SupportLabel::kQuery) {
      targets = data_.objective->targets(index_tensor(queries, recogniser.device()));
    }
    update(recogniser.joint_loss(slot, {.targets = targets}, dropout_stream));
  }

  const FoldData& data_;
  const Config& config_;
  const CurriculumPlan& plan_;
  CurriculumDraws draws_;
  std::size_t longest_ = 0;
};

/// Stage 1; keeps the best epoch by the network's criterion.
TensorFile pretrain(const FoldData& data, const RecogniserConfig& config, std::int64_t patience,
                    const StageServices& services,
                    const std::function<EpochJudge(const TrainedNetwork&)>& make_judge) {
  TrainedNetwork recogniser(data, config, services.seeds.stream("recogniser.init"));
  const Pattern complete = Pattern::complete(data.table.modality_count());
  const auto run_batch = [&](const std::vector<std::int64_t>& items, BatchStreams& streams,
                             const auto& update) {
    DropoutStream dropout_stream(streams.dropout);
    update(recogniser.modality_loss(training_plan(data, items, complete), dropout_stream));
  };
  auto options = loop_options(data, config, "recogniser.complete", config.complete_epochs);
  options.patience = patience;
  run_epochs(options, services, recogniser.parameters(), run_batch, make_judge(recogniser));
  TensorFile result;
  recogniser.parameters().save(result, kPrefix);
  return result;
}

PredictDialogues outputs_of(const TrainedNetwork& recogniser) {
  return [&recogniser](const std::vector<std::int64_t>& dialogues, Pattern pattern) {
    return recogniser.predict(dialogues, pattern);
  };
}

}  // namespace

const HardyMerSeams& own_seams() {
  static const HardyMerSeams seams;
  return seams;
}

TensorFile pretrain_recogniser(const FoldData& data, const RecogniserConfig& config,
                               const StageServices& services) {
  return pretrain(data, config, config.patience, services, [&](const TrainedNetwork& recogniser) {
    return judge_of(data, [&] {
      at::NoGradGuard no_gradient;
      DropoutStream off;
      return mean_over_validation(data, Pattern::complete(data.table.modality_count()),
                                  [&](const BatchPlan& plan) {
                                    return recogniser.modality_loss(plan, off).item<double>();
                                  });
    });
  });
}

TensorFile pretrain_recogniser_judged(const FoldData& data, const RecogniserConfig& config,
                                      const StageServices& services, const MakeJudge& make_judge) {
  return pretrain(data, config, 0, services, [&](const TrainedNetwork& recogniser) {
    return make_judge(outputs_of(recogniser));
  });
}

TrainedRecogniser train_recogniser(const FoldData& data, const Config& config,
                                   const TensorFile& pretrained, const CurriculumPlan& plan,
                                   const StageServices& services, const HardyMerSeams& seams) {
  check(!plan.patterns.empty(), "no pattern to train on");
  check(plan.supports.empty() || plan.supports.size() == plan.patterns.size(),
        "supports for other patterns");
  const RecogniserConfig& settings = hardymer_settings(config).recogniser;
  TrainedNetwork recogniser(data, settings, pretrained, seams);
  const CurriculumBatches batches(data, config, plan);
  const auto run_batch = [&](const std::vector<std::int64_t>& items, BatchStreams& streams,
                             const auto& update) {
    batches.run(recogniser, items, streams, update);
  };
  const auto validate = [&] {
    return validation_value(
        data, plan.patterns, config.protocol.selection,
        [&](const BatchPlan& shown) { return recogniser.logits(shown, plan.patterns); });
  };
  auto options = loop_options(data, settings, "recogniser.patterns", settings.pattern_epochs);
  options.keeps_gradients = seams.keeps_gradients();
  auto judge = judge_of(data, validate);
  if (auto other = seams.judge(data, plan.patterns, outputs_of(recogniser))) {
    options.patience = 0;
    judge = std::move(other);
  }
  TrainedRecogniser result;
  result.curve = run_epochs(options, services, recogniser.parameters(), run_batch, judge);
  recogniser.parameters().save(result.model, kPrefix);
  return result;
}

std::vector<float> predict_dialogues(const FoldData& data, const RecogniserConfig& config,
                                     const TensorFile& model,
                                     const std::vector<std::int64_t>& dialogues, Pattern pattern) {
  return TrainedNetwork(data, config, model).predict(dialogues, pattern);
}

}  // namespace hardy
