#include "train/recogniser_data.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace hardy {
namespace {

/// Utterances of a pass without gradients: enough for full speed, few enough for memory.
constexpr std::int64_t kChunkRows = 512;

constexpr const char* kLoop = "loop";  // metadata of a checkpoint: the loop that wrote it

}  // namespace

BackboneOptions backbone_options(const FoldData& data, const EncoderConfig& encoder) {
  BackboneOptions options;
  options.modality_names = data.corpus->modality_names();
  options.widths = data.table.widths();
  options.outputs = data.objective->outputs();
  options.encoder = encoder;
  return options;
}

std::vector<BatchPlan> chunk_plans(const FoldData& data, const std::vector<std::int64_t>& dialogues,
                                   Pattern pattern) {
  std::vector<BatchPlan> plans;
  for (const auto dialogue : dialogues) {
    const bool is_full =
        plans.empty() || static_cast<std::int64_t>(plans.back().rows.size()) >= kChunkRows;
    if (is_full) plans.emplace_back();
    plans.back().add_dialogue(*data.corpus, data.table, dialogue, pattern);
  }
  return plans;
}

BatchPlan training_plan(const FoldData& data, const std::vector<std::int64_t>& items,
                        Pattern pattern) {
  BatchPlan plan;
  for (const auto item : items) {
    plan.add_dialogue(*data.corpus, data.table, data.fold.train[static_cast<std::size_t>(item)],
                      pattern);
  }
  return plan;
}

at::Tensor targets_of(const FoldData& data, const BatchPlan& plan) {
  std::vector<std::int64_t> utterances;
  for (const auto& row : plan.rows) utterances.push_back(row.utterance);
  return data.objective->targets(index_tensor(utterances, data.table.features.front().device()));
}

at::Tensor true_features(const FeatureTable& table, const Batch& batch, std::size_t m,
                         const std::vector<std::int64_t>& rows) {
  const auto& features = table.features[m];
  const auto index = index_tensor(rows, features.device());
  return features.index_select(0, batch.utterances.index_select(0, index));
}

std::function<double()> judge_of(const FoldData& data, std::function<double()> loss) {
  return data.fold.validation.empty() ? nullptr : std::move(loss);
}

double mean_over_validation(const FoldData& data, Pattern pattern,
                            const std::function<double(const BatchPlan&)>& loss) {
  double total = 0;
  double rows = 0;
  for (const auto& plan : chunk_plans(data, data.fold.validation, pattern)) {
    const auto count = static_cast<double>(plan.rows.size());
    total += count * loss(plan);
    rows += count;
  }
  return total / std::max(1.0, rows);
}

double validation_value(const FoldData& data, std::size_t patterns, Selection selection,
                        const LogitsByPattern& logits) {
  at::NoGradGuard no_gradient;
  double loss = 0;
  double rows = 0;
  std::vector<std::vector<float>> outputs(patterns);
  const auto everything = Pattern::complete(data.table.modality_count());
  for (const auto& plan : chunk_plans(data, data.fold.validation, everything)) {
    const auto targets = targets_of(data, plan);
    const auto count = static_cast<double>(plan.rows.size());
    rows += count;
    const auto by_pattern = logits(plan);
    for (std::size_t p = 0; p < patterns; ++p) {
      loss += count * data.objective->loss(by_pattern[p], targets, {}).item<double>();
      if (selection == Selection::kLoss) continue;
      const auto part = to_floats(data.objective->outputs_of(by_pattern[p]));
      outputs[p].insert(outputs[p].end(), part.begin(), part.end());
    }
  }
  loss /= std::max(1.0, rows) * static_cast<double>(patterns);
  if (selection == Selection::kLoss) return loss;
  double accuracy = 0;
  const auto utterances = utterances_of(*data.corpus, data.fold.validation);
  for (const auto& part : outputs) {
    accuracy +=
        data.objective->accuracy(*data.corpus, utterances, part, selection == Selection::kUa);
  }
  accuracy /= static_cast<double>(patterns);
  constexpr double kTieBreak = 1e-9;  // smaller than the effect of one utterance
  return std::isnan(accuracy) ? loss : kTieBreak * loss - accuracy;
}

StageServices stage_services(const StageServices& services, std::int64_t before, std::int64_t total,
                             const std::string& loop) {
  StageServices own = services;
  if (services.report) {
    own.report = [report = services.report, before, total](double done, double) {
      report(static_cast<double>(before) + done, static_cast<double>(total));
    };
  }
  if (services.find_checkpoint) {
    own.find_checkpoint = [find = services.find_checkpoint, loop]() -> std::optional<TensorFile> {
      auto found = find();
      if (!found || !found->metadata.contains(kLoop) || found->metadata.at(kLoop) != loop) {
        return std::nullopt;
      }
      return found;
    };
  }
  if (services.store_checkpoint) {
    own.store_checkpoint = [store = services.store_checkpoint, loop](const TensorFile& state) {
      TensorFile named = state;
      named.metadata[kLoop] = loop;
      store(named);
    };
  }
  return own;
}

}  // namespace hardy
