// Stored models on a corpus: the second half of run_protocol.h.
#include <torch/types.h>

#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/intervals.h"
#include "config/defects.h"
#include "hardy/errors.h"
#include "hardy/split.h"
#include "methods/method.h"
#include "nn/threads.h"
#include "protocol/model_file.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

/// Runs one stored model over a corpus.
FitOutcome evaluate_model(const StoredModel& model, const Corpus& corpus, const FeatureTable& table,
                          const std::string& conditions) {
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
  const auto patterns =
      model.info.track == "unified"
          ? parse_conditions(conditions.empty() ? model.config.protocol.conditions : conditions,
                             corpus.modality_names())
          : std::vector<Pattern>{model.info.trained};
  const Method& method = find_method(model.config.protocol.method);
  data.table = method.stored_input(data, model.config, model.file);
  FitOutcome outcome{
      model.info.track, model.info.trained, model.info.fold, model.info.seed, {}, {}, {}, 0};
  for (const auto pattern : patterns) {
    outcome.test.push_back({pattern, utterances_of(corpus, dialogues),
                            method.predict(data, model.config, model.file, dialogues, pattern)});
  }
  return outcome;
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
  progress.start("evaluating");
  for (const auto& file : files) {
    const auto model = load_model(file);
    if (model.info.modality_names() != corpus.modality_names()) {
      throw DataError(fmt::format("{}: trained on other modalities ({}) than this corpus has ({})",
                                  file.string(), fmt::join(model.info.modality_names(), ", "),
                                  fmt::join(corpus.modality_names(), ", ")));
    }
    for (std::size_t m = 0; m < corpus.modalities.size(); ++m) {
      check_maker(model.info, m, corpus.modalities[m].maker, corpus.source);
    }
    method = model.config.protocol.method;
    defects = active_defect_texts(model.config);
    outcomes.push_back(evaluate_model(model, corpus, table, conditions));
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
  return results;
}

}  // namespace hardy
