// Stored models on a corpus: the second half of run_protocol.h.
#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/intervals.h"
#include "config/defects.h"
#include "hardy/errors.h"
#include "hardy/split.h"
#include "methods/method.h"
#include "nn/threads.h"
#include "protocol/masks.h"
#include "protocol/model_file.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

/// Runs one stored model over a corpus.
FitOutcome evaluate_model(const StoredModel& model, const Corpus& corpus, const FeatureTable& table,
                          const ConditionPlan& plan) {
  FoldData data;
  data.corpus = &corpus;
  data.objective = std::make_shared<Objective>(corpus, at::kCPU);
  data.scaling = stored_scaling(model);
  for (std::size_t m = 0; m < corpus.modalities.size(); ++m) {
    const auto width = data.scaling.mean.at(m).numel();
    if (width != corpus.modalities[m].width) {
      throw DataError(
          fmt::format("modality '{}' has width {} in this corpus, but the model was trained on {}; "
                      "evaluate it on the features it was trained on",
                      corpus.modalities[m].name, corpus.modalities[m].width, width));
    }
  }
  data.table = apply_scaling(table, data.scaling);
  std::vector<std::int64_t> dialogues = model.info.test_dialogues;
  for (const auto dialogue : dialogues) {
    const bool exists =
        dialogue >= 0 && dialogue < static_cast<std::int64_t>(corpus.dialogues.size());
    if (model.info.data_checksum == corpus.checksum && !exists) {
      throw ArtifactError(fmt::format(
          "a model names test dialogue {}, but its corpus has {}; it was changed after training",
          dialogue, corpus.dialogues.size()));
    }
  }
  if (model.info.data_checksum != corpus.checksum) {
    dialogues.clear();
    for (std::size_t d = 0; d < corpus.dialogues.size(); ++d) {
      dialogues.push_back(static_cast<std::int64_t>(d));
    }
  }
  const bool is_unified = model.info.track == "unified";
  const auto patterns = is_unified ? plan.patterns : std::vector<Pattern>{model.info.trained};
  const Method& method = find_method(model.config.protocol.method);
  data.table = method.stored_input(data, model.config, model.file);
  FitOutcome outcome{
      model.info.track, model.info.trained, model.info.fold, model.info.seed, {}, {}, {}, 0};
  for (const auto pattern : patterns) {
    outcome.test.push_back({pattern, utterances_of(corpus, dialogues),
                            method.predict(data, model.config, model.file, dialogues, pattern)});
  }
  if (!is_unified) return outcome;  // a specialist is judged under its own pattern
  for (const auto& spec : plan.masks) {
    const auto masked = with_masks(data, draw_masks(corpus, spec, plan.mask_seed));
    const Condition condition(corpus.modality_count(), spec.label);
    outcome.test.push_back({condition, utterances_of(corpus, dialogues),
                            method.predict(masked, model.config, model.file, dialogues,
                                           Pattern::complete(corpus.modality_count()))});
  }
  return outcome;
}

/// What to evaluate a model under: what was asked for, or what its run was evaluated under. Masks
/// are drawn for the test; how models were trained is past.
ConditionPlan plan_for(const StoredModel& model, const Corpus& corpus,
                       const std::string& conditions) {
  auto plan = parse_condition_plan(
      conditions.empty() ? model.config.protocol.conditions : conditions, corpus.modality_names());
  if (conditions.empty() && plan.at != MissingAt::kTest) plan.masks.clear();
  if (!conditions.empty() && plan.at != MissingAt::kTest) {
    throw ConfigError(fmt::format(
        "conditions '{}': evaluate draws masks for the test only; leave at= out", conditions));
  }
  plan.at = MissingAt::kTest;
  return plan;
}

}  // namespace

Results evaluate_models(const std::filesystem::path& source, const Corpus& corpus,
                        const std::string& conditions, Progress& progress) {
  use_one_thread();
  std::vector<std::filesystem::path> files = {source};
  std::vector<std::string> folds;
  if (std::filesystem::is_directory(source)) {
    const auto folder = RunFolder::open(source);
    files = folder.models();
    folds = folder.manifest().folds;
    if (files.empty()) {
      throw ArtifactError(
          fmt::format("{}: no models in it; train with run.models = \"all\"", source.string()));
    }
  }
  const FeatureTable table = make_feature_table(corpus, at::kCPU);
  std::vector<FitOutcome> outcomes;
  std::string method;
  std::vector<std::string> defects;
  ConditionPlan plan;
  std::set<std::int64_t> tested;
  progress.start("evaluating");
  for (const auto& file : files) {
    const auto model = load_model(file);
    if (model.info.modality_names() != corpus.modality_names()) {
      throw DataError(fmt::format("{}: trained on other modalities ({}) than this corpus has ({})",
                                  file.string(), fmt::join(model.info.modality_names(), ", "),
                                  fmt::join(corpus.modality_names(), ", ")));
    }
    method = model.config.protocol.method;
    defects = active_defect_texts(model.config);
    plan = plan_for(model, corpus, conditions);
    outcomes.push_back(evaluate_model(model, corpus, table, plan));
    for (const auto& evaluation : outcomes.back().test) {
      tested.insert(evaluation.utterances.begin(), evaluation.utterances.end());
    }
    const auto needed = static_cast<std::size_t>(model.info.fold) + 1;
    while (folds.size() < needed) folds.push_back(fmt::format("fold {}", folds.size() + 1));
    progress.update(static_cast<double>(outcomes.size()), static_cast<double>(files.size()),
                    file.filename().string());
  }
  progress.finish();
  Results results = make_results(outcomes, corpus, folds);
  add_intervals(results, prediction_table(outcomes, corpus));
  results.method = method;
  results.defects = defects;
  if (std::any_of(results.conditions.begin(), results.conditions.end(),
                  [](const Condition& condition) { return !condition.is_pattern(); })) {
    describe_masks(plan, corpus, {tested.begin(), tested.end()}, results);
  }
  return results;
}

}  // namespace hardy
