#include "methods/hardymer/estimate_hardness.h"

#include <torch/types.h>

#include <algorithm>
#include <span>

#include "methods/hardymer/hardness_module.h"
#include "train/recogniser_data.h"

namespace hardy {
namespace {

/// The estimator during training and measurement.
class Estimator {
 public:
  Estimator(const FoldData& data, const HardnessConfig& config, const StageServices& services,
            const HardyMerSeams& seams)
      : data_(data),
        config_(config),
        services_(services),
        seams_(seams),
        device_(data.table.features.front().device()),
        parameters_(device_),
        initial_(services.seeds.stream("hardness.init")),
        module_(module_options(data, config, seams), parameters_, initial_),
        modalities_(data.table.modality_count()) {}

  void train_complete() {
    const auto run_batch = [&](const std::vector<std::int64_t>& items, BatchStreams& streams,
                               const auto& update) {
      DropoutStream dropout_stream(streams.dropout);
      update(complete_loss(training_plan(data_, items, Pattern::complete(modalities_)),
                           dropout_stream));
    };
    const auto validate = [&] {
      at::NoGradGuard no_gradient;
      DropoutStream off;
      return mean_over_validation(
          data_, Pattern::complete(modalities_),
          [&](const BatchPlan& plan) { return complete_loss(plan, off).item<double>(); });
    };
    train("hardness.complete", config_.complete_epochs, run_batch, validate, 0);
  }

  void train_patterns() {
    const auto run_batch = [&](const std::vector<std::int64_t>& items, BatchStreams& streams,
                               const auto& update) {
      BatchPlan plan = training_plan(data_, items, Pattern::complete(modalities_));
      for (auto& row : plan.rows) row.pattern = draw_pattern(streams.draws);
      DropoutStream dropout_stream(streams.dropout);
      update(pattern_loss(plan, dropout_stream));
    };
    const auto validate = [&] {
      at::NoGradGuard no_gradient;
      DropoutStream off;
      // The same patterns in every epoch, so that epochs are comparable.
      Generator draws = services_.seeds.stream("hardness.validation");
      return mean_over_validation(data_, Pattern::complete(modalities_), [&](BatchPlan plan) {
        for (auto& row : plan.rows) row.pattern = draw_pattern(draws);
        return pattern_loss(plan, off).item<double>();
      });
    };
    train("hardness.patterns", config_.pattern_epochs, run_batch, validate,
          config_.complete_epochs);
  }

  TensorFile measure(const std::vector<Pattern>& patterns) {
    at::NoGradGuard no_gradient;
    const auto n = data_.train.size();
    std::vector<float> direct(patterns.size() * n, 0.0F);
    std::vector<float> indirect(n, 0.0F);
    for (const auto& plan : chunk_plans(data_, data_.fold.train, Pattern::complete(modalities_))) {
      DropoutStream off;
      const Batch batch = make_batch(data_.table, plan);
      const auto encoded = module_.backbone().encode(batch, off);
      measure_indirect(plan, batch, encoded, indirect);
      for (std::size_t p = 0; p < patterns.size(); ++p) {
        BatchPlan masked = plan;
        for (auto& row : masked.rows) row.pattern = patterns[p];
        measure_direct(masked, batch, limited_to(encoded, patterns[p]),
                       std::span(direct).subspan(p * n, n));
      }
      if (services_.throw_if_stopping) services_.throw_if_stopping();
    }
    TensorFile result;
    std::vector<std::int64_t> bits;
    for (const auto pattern : patterns) bits.push_back(pattern.bits());
    const auto count = static_cast<std::int64_t>(patterns.size());
    result.add("direct", {count, static_cast<std::int64_t>(n)}, std::move(direct));
    result.add("indirect", {static_cast<std::int64_t>(n)}, std::move(indirect));
    result.add("patterns", {count}, std::move(bits));
    return result;
  }

 private:
  static BackboneOptions module_options(const FoldData& data, const HardnessConfig& config,
                                        const HardyMerSeams& seams) {
    BackboneOptions options = backbone_options(data, config.encoder);
    options.drops_cross_attention = seams.drops_cross_attention();
    return options;
  }

  /// Uniform over the 2^M - 1 patterns.
  Pattern draw_pattern(Generator& draws) const {
    return Pattern(static_cast<std::uint32_t>(1 + draw_index(draws, (1 << modalities_) - 1)));
  }

  at::Tensor complete_loss(const BatchPlan& plan, DropoutStream& dropout_stream) const {
    const Batch batch = make_batch(data_.table, plan);
    const auto encoded = module_.backbone().encode(batch, dropout_stream);
    const auto targets = data_.objective->targets(batch.utterances);
    at::Tensor loss = at::zeros({}, at::TensorOptions(at::kFloat).device(device_));
    for (int m = 0; m < modalities_; ++m) {
      const auto& rows = batch.modalities[static_cast<std::size_t>(m)];
      if (rows.count == 0) continue;
      const auto own = rows.covers_all() ? targets : targets.index_select(0, rows.index);
      loss = loss + data_.objective->loss(module_.backbone().classify_modality(
                                              m, encoded.z[static_cast<std::size_t>(m)]),
                                          own, {});
    }
    if (config_.mi_weight > 0) {
      // DIFFERS: a mean over utterances; the published sum depends on the padded batch size.
      for (const auto& pair : module_.pair_information(batch, encoded, dropout_stream)) {
        loss = loss - config_.mi_weight * pair.information.mean() /
                          static_cast<double>(module_.pairs().size());
      }
    }
    return loss;
  }

  /// Rows whose modality m is reconstructed. Shapes: -> [M].
  [[nodiscard]] std::vector<std::vector<std::int64_t>> all_targets(const BatchPlan& plan) const {
    std::vector<std::vector<std::int64_t>> rows;
    for (int m = 0; m < modalities_; ++m) {
      rows.push_back(rows_with_target(data_.table, plan, m, seams_.reconstructs_present()));
    }
    return rows;
  }

  /// Reconstruction target of modality m of these rows.
  [[nodiscard]] at::Tensor target_of(const Batch& batch, std::size_t m,
                                     const std::vector<std::int64_t>& rows) const {
    return seams_.target(true_features(data_.table, batch, m, rows));
  }

  at::Tensor pattern_loss(const BatchPlan& plan, DropoutStream& dropout_stream) const {
    const Batch batch = make_batch(data_.table, plan);
    const auto encoded = module_.backbone().encode(batch, dropout_stream);
    const auto fused = module_.backbone().fuse(batch, encoded, dropout_stream);
    auto loss =
        data_.objective->loss(module_.backbone().classify(fused), targets_of(data_, plan), {});
    const auto rows = all_targets(plan);
    const auto mask = seams_.row_mask(plan, device_);
    const auto rebuilt = module_.backbone().reconstruct(fused, rows);
    const double scale = config_.reconstruction_weight / static_cast<double>(batch.rows);
    for (std::size_t m = 0; m < rows.size(); ++m) {
      if (rows[m].empty()) continue;
      const auto truth = target_of(batch, m, rows[m]);
      const auto weights = mask.defined() ? mask.index_select(0, index_tensor(rows[m], device_))
                                          : at::ones({truth.size(0)}, truth.options());
      loss = loss + scale * weighted_squared_error(rebuilt[m], truth, weights);
    }
    const auto padding = seams_.padding_error(module_.backbone(), plan,
                                              seams_.reconstructs_present(), dropout_stream);
    if (padding.defined()) loss = loss + scale * padding;
    const auto idle = seams_.idle_term(module_, batch, encoded, dropout_stream);
    return idle.defined() ? loss + idle : loss;
  }

  template <typename Run, typename Validate>
  void train(const std::string& stage, std::int64_t epochs, const Run& run_batch,
             const Validate& validate, std::int64_t epochs_before) {
    EpochLoopOptions options;
    options.stage = stage;
    options.items = static_cast<std::int64_t>(data_.fold.train.size());
    options.epochs = epochs;
    options.patience = config_.patience;
    options.optimiser = config_.optimiser;
    StageServices own = stage_services(services_, epochs_before,
                                       config_.complete_epochs + config_.pattern_epochs, stage);
    run_epochs(options, own, parameters_, run_batch, judge_of(data_, validate));
  }

  void measure_indirect(const BatchPlan& plan, const Batch& batch, const Encoded& encoded,
                        std::vector<float>& indirect) const {
    DropoutStream off;
    for (const auto& pair : module_.pair_information(batch, encoded, off)) {
      const auto values = to_floats(pair.information);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto row = pair.rows.empty() ? i : static_cast<std::size_t>(pair.rows[i]);
        indirect[static_cast<std::size_t>(data_.train_row(plan.rows[row].utterance))] += values[i];
      }
    }
  }

  /// `batch` has complete input; `plan` and `encoded` are limited to the pattern.
  void measure_direct(const BatchPlan& plan, const Batch& batch, const Encoded& encoded,
                      std::span<float> direct) const {
    DropoutStream off;
    const auto fused = module_.backbone().fuse(batch, encoded, off);
    const auto rows = all_targets(plan);
    const auto rebuilt = module_.backbone().reconstruct(fused, rows);
    for (std::size_t m = 0; m < rows.size(); ++m) {
      if (rows[m].empty()) continue;
      const auto truth = target_of(batch, m, rows[m]);
      const auto errors = to_floats((rebuilt[m] - truth).square().mean(1));
      for (std::size_t i = 0; i < errors.size(); ++i) {
        const auto& row = plan.rows[static_cast<std::size_t>(rows[m][i])];
        direct[static_cast<std::size_t>(data_.train_row(row.utterance))] += errors[i];
      }
    }
  }

  const FoldData& data_;
  const HardnessConfig& config_;
  const StageServices& services_;
  const HardyMerSeams& seams_;
  at::Device device_;
  ParameterSet parameters_;
  Generator initial_;
  HardnessModule module_;
  int modalities_;
};

}  // namespace

TensorFile estimate_hardness(const FoldData& data, const HardnessConfig& config,
                             const std::vector<Pattern>& patterns, const StageServices& services,
                             const HardyMerSeams& seams) {
  Estimator estimator(data, config, services, seams);
  estimator.train_complete();
  estimator.train_patterns();
  return estimator.measure(patterns);
}

}  // namespace hardy
