#include "methods/fit_method.h"

#include <torch/types.h>

#include "hardy/split.h"
#include "support/tiny_experiment.h"

namespace hardy {

MethodDeclaration declare_tiny();
std::unique_ptr<const Method> make_tiny();

namespace test {

Corpus method_corpus(int modalities, bool has_values, double missing_rate) {
  Corpus corpus = tiny_corpus(modalities, missing_rate);
  if (!has_values) return corpus;
  corpus.label_kind = LabelKind::kValue;
  corpus.class_names.clear();
  for (auto& utterance : corpus.utterances) utterance.label = 2 * utterance.label - 3;
  corpus.checksum = corpus_checksum(corpus);
  return corpus;
}

Config method_config(const std::string& method) {
  Config config = tiny_config();
  config.protocol.method = method;
  // Every epoch and width setting of the method, whatever its name.
  for (const auto& info : config_fields()) {
    if (!info.key.starts_with(method + ".")) continue;
    if (info.key.ends_with("epochs") && info.type == "integer")
      set_config_field(config, info.key + "=2");
    if (info.key.ends_with(".hidden")) set_config_field(config, info.key + "=16");
  }
  return config;
}

MethodOnFold::MethodOnFold(const Corpus& corpus_in, const Config& config_in)
    : corpus(corpus_in), config(config_in), method_(find_method(config.protocol.method)) {
  const auto folds = make_folds(corpus, config.protocol);
  data = make_fold_data(corpus, make_feature_table(corpus, at::kCPU), folds.front(),
                        std::make_shared<Objective>(corpus, at::kCPU));
}

TensorFile MethodOnFold::fit(const std::vector<Pattern>& patterns) {
  StageCache cache("");
  StageCosts costs;
  const auto fold = method_.on_fold({.corpus = corpus,
                                     .fold = data.fold,
                                     .config = config,
                                     .seed = 1,
                                     .patterns = patterns,
                                     .cache = cache,
                                     .costs = costs});
  TensorFile model;
  Scheduler scheduler({.jobs = 1});
  std::vector<TaskId> shared;
  for (auto& stage : fold->shared_stages()) {
    shared.push_back(scheduler.add({.name = stage.name,
                                    .cost = stage.cost,
                                    .work = [&, work = std::move(stage.work)](
                                                TaskContext& context) { work(data, context); }}));
  }
  scheduler.add({.name = "fit", .dependencies = shared, .work = [&](TaskContext& context) {
                   model = fold->fit(data, patterns, context);
                 }});
  scheduler.run();
  return model;
}

BatchPlan mixed_plan(const MethodOnFold& on_fold, const std::vector<std::int64_t>& dialogues) {
  BatchPlan plan;
  for (const std::int64_t dialogue : dialogues) {
    plan.add_dialogue(on_fold.corpus, on_fold.data.table, dialogue, Pattern::complete(3));
  }
  const auto patterns = all_patterns(3);
  for (std::size_t r = 0; r < plan.rows.size(); ++r) plan.rows[r].pattern = patterns[r % 7];
  return plan;
}

void add_tiny() {
  static const bool is_added = [] {
    add_method(declare_tiny(), make_tiny());
    return true;
  }();
  static_cast<void>(is_added);
}

}  // namespace test
}  // namespace hardy
