// Evaluation of stored models on a corpus, declared in run_protocol.h.
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/feature_shift.h"
#include "analysis/intervals.h"
#include "corpus/match_model.h"
#include "corpus/unseen.h"
#include "hardy/errors.h"
#include "hardy/split.h"
#include "methods/method.h"
#include "nn/threads.h"
#include "pipeline/check_run.h"
#include "protocol/masks.h"
#include "protocol/model_file.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

/// The corpus with the models' modalities and classes, and notes on what was left out.
struct MatchedCorpus {
  Corpus corpus;
  FeatureTable table;
  MatchedClasses classes;
};

/// Statistics of the dialogues to score in place of the training part's. Throws DataError when a
/// modality has fewer than two utterances there.
Scaling target_scaling(const MatchedCorpus& matched, const Scaling& trained,
                       const std::vector<std::int64_t>& dialogues) {
  const auto utterances = utterances_of(matched.corpus, dialogues);
  for (const auto& modality : matched.corpus.modalities) {
    const auto count = std::count_if(utterances.begin(), utterances.end(), [&](auto u) {
      return modality.present[static_cast<std::size_t>(u)] != 0;
    });
    if (count != 1) continue;
    throw DataError(
        fmt::format("{}: one utterance only has the modality {}; its statistics need more; leave "
                    "--target-statistics out",
                    matched.corpus.source, modality.name));
  }
  Scaling scaling = fit_scaling(matched.table, utterances);
  scaling.lowest = trained.lowest;
  scaling.highest = trained.highest;
  return scaling;
}

/// Outputs as probabilities of the scored classes. Calibrations are of the model's own classes and
/// do not hold for sums of them.
void merge_classes(const MatchedClasses& classes, FitOutcome& outcome) {
  if (!classes.changes_outputs()) return;
  outcome.calibrations.reset();
  for (auto& evaluation : outcome.test) evaluation.outputs = classes.merge(evaluation.outputs);
}

/// Counts the answers of scored classes that no utterance of the corpus has: they are wrong by
/// necessity.
void note_absent_classes(const std::vector<FitOutcome>& outcomes, const Corpus& corpus,
                         std::vector<std::string>& notes) {
  const auto width = corpus.class_names.size();
  std::vector<bool> is_absent(width, true);
  for (const auto& utterance : corpus.utterances) {
    if (utterance.is_labelled()) is_absent[static_cast<std::size_t>(utterance.label)] = false;
  }
  std::vector<std::string> names;
  for (std::size_t c = 0; c < width; ++c) {
    if (is_absent[c]) names.push_back(corpus.class_names[c]);
  }
  if (names.empty()) return;
  std::int64_t wrong = 0;
  std::int64_t all = 0;
  for (const auto& outcome : outcomes) {
    for (const auto& evaluation : outcome.test) {
      for (std::size_t row = 0; row < evaluation.utterances.size(); ++row) {
        if (!corpus.is_scored(evaluation.utterances[row], evaluation.condition.pattern)) continue;
        const auto first = evaluation.outputs.begin() + static_cast<std::ptrdiff_t>(row * width);
        const auto most = std::max_element(first, first + static_cast<std::ptrdiff_t>(width));
        wrong += is_absent[static_cast<std::size_t>(most - first)] ? 1 : 0;
        ++all;
      }
    }
  }
  notes.push_back(fmt::format(
      "no utterance of the corpus is {}; {} of {} answers over all conditions are, and count as "
      "wrong; --map model:NAME=CLASS or model:NAME=- brings the models to its classes",
      fmt::join(names, ", "), wrong, all));
}

/// The shift of the features, where the corpus is not the models' own.
void note_shift(const StoredModel& model, const Corpus& corpus, std::vector<std::string>& notes) {
  if (model.info.data_checksum == corpus.checksum) return;
  std::vector<std::string> texts;
  for (const auto& shift : feature_shift(stored_moments(view_of(model.file), model.info), corpus)) {
    if (std::isnan(shift.difference)) continue;
    texts.push_back(fmt::format("{} {:.2f}", shift.modality, shift.difference));
  }
  if (texts.empty()) return;
  notes.push_back(fmt::format(
      "mean standardised difference from the training features: {} (above 0.1 is a shift; `hardy "
      "data shift MODEL DATA` has more)",
      fmt::join(texts, ", ")));
}

/// Brings the corpus to the models, which all have the modalities and classes of this one.
void match(const StoredModel& model, const Transfer& transfer, MatchedCorpus& matched,
           std::vector<std::string>& notes) {
  match_modalities(matched.corpus, model.info, notes);
  matched.classes = match_labels(matched.corpus, model.info, transfer.map, notes);
  note_shift(model, matched.corpus, notes);
  matched.table = make_feature_table(matched.corpus, at::kCPU);
  // While the models predict, the corpus has their classes, which are the width of their outputs.
  if (matched.classes.changes_outputs()) matched.corpus.class_names = model.info.class_names;
}

void note_transfer(const Transfer& transfer, const std::vector<FitOutcome>& outcomes,
                   const Corpus& corpus, std::vector<std::string>& notes) {
  if (corpus.class_count() > 0) note_absent_classes(outcomes, corpus, notes);
  if (!transfer.by_target_statistics) return;
  notes.push_back(
      "features are standardised by the mean and deviation of the scored dialogues, without their "
      "labels, not by those of the training data (--target-statistics)");
}

/// Runs one stored model over a corpus.
FitOutcome evaluate_model(const StoredModel& model, const MatchedCorpus& matched,
                          const ConditionPlan& plan, const Transfer& transfer,
                          OverlapNotes& notes) {
  const Corpus& corpus = matched.corpus;
  FoldData data;
  data.corpus = &corpus;
  data.objective = std::make_shared<Objective>(corpus, at::kCPU);
  data.scaling = stored_scaling(model);
  const auto dialogues = unseen_dialogues(model.info, corpus, notes);
  if (transfer.by_target_statistics) {
    data.scaling = target_scaling(matched, data.scaling, dialogues);
  }
  data.table = apply_scaling(matched.table, data.scaling);
  const bool is_unified = model.info.track == "unified";
  const auto patterns = is_unified ? plan.patterns : std::vector<Pattern>{model.info.trained};
  const Method& method = find_method(model.config.protocol.method);
  data.table = method.stored_input(data, model.config, model.file);
  FitOutcome outcome{
      model.info.track, model.info.trained, model.info.fold, model.info.seed, {}, {}, {}, 0};
  outcome.calibrations = model.info.calibrations;
  for (const auto pattern : patterns) {
    outcome.test.push_back({pattern, utterances_of(corpus, dialogues),
                            method.predict(data, model.config, model.file, dialogues, pattern)});
  }
  for (const auto& spec : is_unified ? plan.masks : std::vector<MaskSpec>{}) {
    const auto masked = with_masks(data, draw_masks(corpus, spec, plan.mask_seed));
    const Condition condition(corpus.modality_count(), spec.label);
    outcome.test.push_back({condition, utterances_of(corpus, dialogues),
                            method.predict(masked, model.config, model.file, dialogues,
                                           Pattern::complete(corpus.modality_count()))});
  }
  merge_classes(matched.classes, outcome);
  return outcome;
}

/// The conditions of an evaluation: the requested ones, or those of the model's run. Masks apply to
/// the test part only; how the model was trained is fixed.
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

void require_labels(const Corpus& corpus) {
  const bool has_any = std::any_of(corpus.utterances.begin(), corpus.utterances.end(),
                                   [](const Utterance& one) { return one.is_labelled(); });
  if (has_any) return;
  throw DataError(
      fmt::format("{}: no utterance is labelled, so nothing can be scored; `hardy "
                  "predict` needs no labels",
                  corpus.source));
}

/// Requires the modalities and labels of two models of one run to be equal.
void require_same(const BundleInfo& first, const BundleInfo& next, const std::string& file) {
  if (first.modality_names() == next.modality_names() && first.class_names == next.class_names &&
      first.target_names == next.target_names) {
    return;
  }
  throw ArtifactError(fmt::format(
      "{}: it has other modalities or classes than the models before it; evaluate it alone", file));
}

/// Throws ConfigError when masks were requested but no unified model can be tested under them.
void require_masks(ConditionPlan& plan, const Results& results, const std::string& asked) {
  const bool has_any = std::any_of(results.conditions.begin(), results.conditions.end(),
                                   [](const Condition& one) { return !one.is_pattern(); });
  if (has_any) return;
  if (!plan.masks.empty() && !asked.empty()) {
    throw ConfigError(fmt::format(
        "conditions '{}': masks need a unified model, and these are specialists", asked));
  }
  plan.masks.clear();
}

/// Adds notes that the results do not contain yet.
void add_notes(std::vector<std::string>& notes, Results& results) {
  std::set<std::string> said(results.notes.begin(), results.notes.end());
  for (auto& note : notes) {
    if (said.insert(note).second) results.notes.push_back(std::move(note));
  }
}

}  // namespace

Results evaluate_models(const std::filesystem::path& source, const Corpus& corpus,
                        const std::string& conditions, Progress& progress,
                        const Transfer& transfer) {
  use_one_thread();
  std::vector<std::filesystem::path> files = {source};
  std::vector<std::string> folds;
  if (std::filesystem::is_directory(source)) {
    const auto folder = RunFolder::open(source);
    files = verified_models(folder);
    folds = folder.manifest().folds;
    if (files.empty()) {
      throw ArtifactError(
          fmt::format("{}: no models in it; train with run.models = \"all\"", source.string()));
    }
  }
  require_labels(corpus);
  MatchedCorpus matched{corpus, {}, {}};
  std::optional<BundleInfo> first;
  std::vector<FitOutcome> outcomes;
  std::vector<std::string> notes;
  OverlapNotes overlap;
  std::string method;
  std::vector<std::string> defects;
  ConditionPlan plan;
  std::set<std::int64_t> tested;
  progress.start("evaluating");
  for (const auto& file : files) {
    const auto model = load_model(file);
    if (!first) {
      first = model.info;
      match(model, transfer, matched, notes);
    }
    require_same(*first, model.info, file.string());
    method = model.config.protocol.method;
    defects = caveats_of(model.config);
    plan = plan_for(model, matched.corpus, conditions);
    outcomes.push_back(evaluate_model(model, matched, plan, transfer, overlap));
    for (const auto& evaluation : outcomes.back().test) {
      tested.insert(evaluation.utterances.begin(), evaluation.utterances.end());
    }
    const auto needed = static_cast<std::size_t>(model.info.fold) + 1;
    while (folds.size() < needed) folds.push_back(fmt::format("fold {}", folds.size() + 1));
    progress.update(static_cast<double>(outcomes.size()), static_cast<double>(files.size()),
                    file.filename().string());
  }
  progress.finish();
  if (matched.classes.changes_outputs()) matched.corpus.class_names = matched.classes.names;
  Results results = make_results(outcomes, matched.corpus, folds);
  add_intervals(results, prediction_table(outcomes, matched.corpus));
  results.method = method;
  results.defects = defects;
  require_masks(plan, results, conditions);
  describe_masks(plan, matched.corpus, {tested.begin(), tested.end()}, results);
  note_transfer(transfer, outcomes, matched.corpus, notes);
  for (auto& text : overlap.texts()) notes.push_back(std::move(text));
  add_notes(notes, results);
  return results;
}

}  // namespace hardy
