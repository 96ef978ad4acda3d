// Evaluation of stored models on a corpus, declared in run_protocol.h.
#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "analysis/intervals.h"
#include "corpus/match_model.h"
#include "hardy/errors.h"
#include "hardy/split.h"
#include "methods/method.h"
#include "nn/threads.h"
#include "protocol/masks.h"
#include "protocol/model_file.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

/// The corpus with the models' modalities and classes, and notes on what was left out.
struct MatchedCorpus {
  Corpus corpus;
  FeatureTable table;
  std::vector<std::string> notes;
};

/// Whether the model was trained or selected with any part of the dialogue.
bool was_seen(const BundleInfo& info, const Corpus& corpus, const Dialogue& dialogue) {
  const auto has = [&](const char* what, const std::string& id) {
    return std::binary_search(info.seen.begin(), info.seen.end(), seen_mark(what, id));
  };
  if (has("dialogue", dialogue.id)) return true;
  for (auto u = dialogue.first; u < dialogue.first + dialogue.count; ++u) {
    if (has("utterance", corpus.utterances[static_cast<std::size_t>(u)].id)) return true;
  }
  return false;
}

/// What the models say about a corpus other than their own, once for all of them.
class OverlapNotes {
 public:
  void add(std::int64_t left_out, std::int64_t dialogues, bool is_known) {
    dialogues_ = dialogues;
    if (left_out > 0) left_out_.push_back(left_out);
    unknown_ += is_known ? 0 : 1;
  }

  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    if (!left_out_.empty()) {
      const auto [least, most] = std::minmax_element(left_out_.begin(), left_out_.end());
      const std::string counts =
          *least == *most ? fmt::format("{}", *most) : fmt::format("{} to {}", *least, *most);
      texts.push_back(fmt::format(
          "the corpus is not the one that was trained on, but shares ids with it; {} of {} "
          "dialogues trained or chose the model and are not scored{}",
          counts, dialogues_,
          left_out_.size() == 1 ? "" : fmt::format(" ({} models)", left_out_.size())));
    }
    if (unknown_ > 0) {
      texts.push_back(fmt::format(
          "{} does not say what it was trained on; scores flatter if it was among this data",
          unknown_ == 1 ? "the model" : fmt::format("each of {} models", unknown_)));
    }
    return texts;
  }

 private:
  std::vector<std::int64_t> left_out_;
  std::int64_t dialogues_ = 0;
  std::int64_t unknown_ = 0;
};

/// The dialogues to score: of the model's own corpus the test part of its fold, of another one
/// those that neither trained nor chose the model.
std::vector<std::int64_t> unseen_dialogues(const StoredModel& model, const Corpus& corpus,
                                           OverlapNotes& notes) {
  const auto count = static_cast<std::int64_t>(corpus.dialogues.size());
  if (model.info.data_checksum == corpus.checksum) {
    for (const auto dialogue : model.info.test_dialogues) {
      if (dialogue >= 0 && dialogue < count) continue;
      throw ArtifactError(fmt::format(
          "a model names test dialogue {}, but its corpus has {}; it was changed after training",
          dialogue, count));
    }
    return model.info.test_dialogues;
  }
  std::vector<std::int64_t> unseen;
  for (std::int64_t d = 0; d < count; ++d) {
    if (!was_seen(model.info, corpus, corpus.dialogues[static_cast<std::size_t>(d)])) {
      unseen.push_back(d);
    }
  }
  const auto left_out = count - static_cast<std::int64_t>(unseen.size());
  if (unseen.empty()) {
    throw DataError(
        fmt::format("{}: all {} dialogues trained or chose the model (fold {}, seed {}), by their "
                    "ids; nothing is left to score",
                    corpus.source, count, model.info.fold + 1, model.info.seed));
  }
  notes.add(left_out, count, !model.info.seen.empty());
  return unseen;
}

/// Runs one stored model over a corpus.
FitOutcome evaluate_model(const StoredModel& model, const MatchedCorpus& matched,
                          const ConditionPlan& plan, OverlapNotes& notes) {
  const Corpus& corpus = matched.corpus;
  FoldData data;
  data.corpus = &corpus;
  data.objective = std::make_shared<Objective>(corpus, at::kCPU);
  data.scaling = stored_scaling(model);
  data.table = apply_scaling(matched.table, data.scaling);
  const auto dialogues = unseen_dialogues(model, corpus, notes);
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
  if (!is_unified) return outcome;  // a specialist is evaluated under its own pattern
  for (const auto& spec : plan.masks) {
    const auto masked = with_masks(data, draw_masks(corpus, spec, plan.mask_seed));
    const Condition condition(corpus.modality_count(), spec.label);
    outcome.test.push_back({condition, utterances_of(corpus, dialogues),
                            method.predict(masked, model.config, model.file, dialogues,
                                           Pattern::complete(corpus.modality_count()))});
  }
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
      match_modalities(matched.corpus, model.info, notes);
      match_labels(matched.corpus, model.info);
      matched.table = make_feature_table(matched.corpus, at::kCPU);
    }
    require_same(*first, model.info, file.string());
    method = model.config.protocol.method;
    defects = caveats_of(model.config);
    plan = plan_for(model, matched.corpus, conditions);
    outcomes.push_back(evaluate_model(model, matched, plan, overlap));
    for (const auto& evaluation : outcomes.back().test) {
      tested.insert(evaluation.utterances.begin(), evaluation.utterances.end());
    }
    const auto needed = static_cast<std::size_t>(model.info.fold) + 1;
    while (folds.size() < needed) folds.push_back(fmt::format("fold {}", folds.size() + 1));
    progress.update(static_cast<double>(outcomes.size()), static_cast<double>(files.size()),
                    file.filename().string());
  }
  progress.finish();
  Results results = make_results(outcomes, matched.corpus, folds);
  add_intervals(results, prediction_table(outcomes, matched.corpus));
  results.method = method;
  results.defects = defects;
  require_masks(plan, results, conditions);
  describe_masks(plan, matched.corpus, {tested.begin(), tested.end()}, results);
  for (auto& text : overlap.texts()) notes.push_back(std::move(text));
  add_notes(notes, results);
  return results;
}

}  // namespace hardy
