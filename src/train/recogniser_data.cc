#include "train/recogniser_data.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace hardy {
namespace {

/// Utterances of a pass without gradients: enough for full speed, few enough for memory.
constexpr std::int64_t kChunkRows = 512;

constexpr const char* kLoop = "loop";  // metadata of a checkpoint: the loop that wrote it

/// Accuracy of the validation outputs under one pattern, without utterances of which it leaves
/// nothing. Shapes: outputs [n, C] in the order of utterances_of.
double readable_accuracy(const FoldData& data, Pattern pattern, const std::vector<float>& outputs,
                         bool is_unweighted) {
  const auto all = utterances_of(*data.corpus, data.fold.validation);
  const auto width = outputs.size() / all.size();
  std::vector<std::int64_t> utterances;
  std::vector<float> read;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if ((data.table.present[static_cast<std::size_t>(all[i])] & pattern).empty()) continue;
    utterances.push_back(all[i]);
    const auto first = outputs.begin() + static_cast<std::ptrdiff_t>(i * width);
    read.insert(read.end(), first, first + static_cast<std::ptrdiff_t>(width));
  }
  return data.objective->accuracy(*data.corpus, utterances, read, is_unweighted);
}

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

at::Tensor readable_targets(const FoldData& data, const BatchPlan& plan, Pattern limit,
                            const at::Tensor& targets) {
  std::vector<std::int64_t> unread;
  for (std::size_t r = 0; r < plan.rows.size(); ++r) {
    const BatchRow& row = plan.rows[r];
    const auto present = data.table.present[static_cast<std::size_t>(row.utterance)];
    if ((row.pattern & limit & present).empty()) unread.push_back(static_cast<std::int64_t>(r));
  }
  if (unread.empty()) return targets;
  return data.objective->without(targets, index_tensor(unread, targets.device()));
}

at::Tensor targets_of(const FoldData& data, const BatchPlan& plan) {
  std::vector<std::int64_t> utterances;
  for (const auto& row : plan.rows) utterances.push_back(row.utterance);
  const auto device = data.table.features.front().device();
  return readable_targets(data, plan, Pattern::complete(data.table.modality_count()),
                          data.objective->targets(index_tensor(utterances, device)));
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

double validation_value(const FoldData& data, const std::vector<Pattern>& patterns,
                        Selection selection, const LogitsByPattern& logits) {
  at::NoGradGuard no_gradient;
  double loss = 0;
  double counted = 0;
  std::vector<std::vector<float>> outputs(patterns.size());
  const auto everything = Pattern::complete(data.table.modality_count());
  for (const auto& plan : chunk_plans(data, data.fold.validation, everything)) {
    const auto targets = targets_of(data, plan);
    const auto by_pattern = logits(plan);
    for (std::size_t p = 0; p < patterns.size(); ++p) {
      const auto own = readable_targets(data, plan, patterns[p], targets);
      const auto count = static_cast<double>(data.objective->counted(own));
      counted += count;
      loss += count * data.objective->loss(by_pattern[p], own, {}).item<double>();
      if (selection == Selection::kLoss) continue;
      const auto part = to_floats(data.objective->outputs_of(by_pattern[p]));
      outputs[p].insert(outputs[p].end(), part.begin(), part.end());
    }
  }
  loss /= std::max(1.0, counted);
  if (selection == Selection::kLoss) return loss;
  double accuracy = 0;
  for (std::size_t p = 0; p < patterns.size(); ++p) {
    accuracy += readable_accuracy(data, patterns[p], outputs[p], selection == Selection::kUa);
  }
  accuracy /= static_cast<double>(patterns.size());
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
