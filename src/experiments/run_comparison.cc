#include "experiments/run_comparison.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "analysis/intervals.h"
#include "base/wording.h"
#include "experiments/table_formats.h"
#include "hardy/errors.h"
#include "hardy/split.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

/// The points of one method as a sweep over its own settings.
Study tuning_study(const Study& study, const Variant& variant, const CompareOptions& options) {
  const Config config = variant_config(study, variant);
  const auto& method = declared_method(config.protocol.method);
  Study sweep;
  sweep.kind = "sweep";
  sweep.title = "Tuning " + method.title;
  sweep.base = config;
  sweep.base.run.seeds = {config.run.seeds.front()};
  sweep.base.run.models = KeptModels::kNone;
  sweep.variants = tuning_points(method, options);
  return sweep;
}

/// Selection needs validation parts. Throws DataError without them.
void check_validation(const Study& study, const Corpus& corpus) {
  for (const auto& fold : make_folds(corpus, study.base.protocol)) {
    if (!fold.validation.empty()) continue;
    throw DataError(fmt::format(
        "{}: fold '{}' has no validation part, so nothing can be tuned honestly; choose a split "
        "with one (protocol.validation) or leave --tune out",
        corpus.source, fold.name));
  }
}

/// Throws ConfigError for a metric that results on this corpus will not have.
void check_metric(const std::string& metric, const Corpus& corpus) {
  const TallyLayout layout = layout_of(corpus);
  auto names = layout.metric_names();
  if (layout.task() == TaskKind::kClass) {
    names.insert(names.end(), kAreaMetrics.begin(), kAreaMetrics.end());
  }
  if (metric.empty() || std::find(names.begin(), names.end(), metric) != names.end()) return;
  throw ConfigError(
      fmt::format("metric '{}' is unknown here; there are {}", metric, fmt::join(names, ", ")));
}

ChosenSettings tune(const StudyRequest& request, const Study& sweep, const CompareOptions& options,
                    const Corpus& corpus, Progress& progress) {
  StudyRequest tuning = request;
  tuning.study = sweep;
  tuning.folder = request.folder / "tuning" / sweep.base.protocol.method;
  tuning.cache = stage_cache_of(request);
  tuning.only_validation = true;
  tuning.phase = sweep.title + ", ";
  const auto result = run_study(tuning, corpus, progress);
  const auto metric = options.metric.empty() ? first_metric(result) : options.metric;
  const auto ranking = rank_by_validation(result, metric);
  ChosenSettings chosen;
  chosen.method = sweep.base.protocol.method;
  chosen.points = static_cast<std::int64_t>(sweep.variants.size());
  chosen.assignments = sweep.variants[ranking.front().variant].assignments;
  chosen.validation = ranking.front().value;
  for (const auto& ranked : ranking) {
    if (ranked.variant == 0) chosen.declared_validation = ranked.value;
  }
  return chosen;
}

}  // namespace

ComparisonPlan plan_comparison(Study study, const Corpus& corpus) {
  validate_study(study);
  ComparisonPlan plan;
  std::vector<Variant> kept;
  for (auto& variant : study.variants) {
    ProtocolRequest request;
    request.config = variant_config(study, variant);
    try {
      static_cast<void>(check_request(request, corpus));
      kept.push_back(std::move(variant));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kData) throw;
      plan.refusals.push_back({request.config.protocol.method, error.what()});
    }
  }
  if (kept.empty()) throw DataError(plan.refusals.front().reason);
  plan.study = std::move(study);
  plan.study.variants = std::move(kept);
  return plan;
}

std::string plan_text(const ComparisonPlan& plan, const CompareOptions& options) {
  const Config& base = plan.study.base;
  std::string text =
      fmt::format("{}, seeds {}, tracks {}\n", counted(plan.study.variants.size(), "method"),
                  fmt::join(base.run.seeds, ", "), word_of(base.protocol.tracks));
  for (const auto& variant : plan.study.variants) {
    const auto& method = declared_method(variant_config(plan.study, variant).protocol.method);
    text += fmt::format("{}: ", method.title);
    if (options.points > 0) {
      const auto points = tuning_points(method, options).size();
      text += points == 0 ? std::string("no search space; ") : fmt::format("{} points; ", points);
    }
    text += fmt::format("{}\n", fmt::join(variant.assignments, ", "));
  }
  for (const auto& refusal : plan.refusals) {
    text += fmt::format("left out: {}: {}\n", method_title(refusal.method), refusal.reason);
  }
  return text;
}

void check_tuning(const ComparisonPlan& plan, const CompareOptions& options, const Corpus& corpus) {
  if (options.points <= 0) return;
  check_validation(plan.study, corpus);
  check_metric(options.metric, corpus);
}

ComparisonResult run_comparison(StudyRequest request, const ComparisonPlan& plan,
                                const CompareOptions& options, const Corpus& corpus,
                                Progress& progress) {
  check_tuning(plan, options, corpus);
  request.study = plan.study;
  claim_study_folder(request.folder, request.study);
  std::vector<ChosenSettings> all_chosen;
  std::string metric;
  for (auto& variant : request.study.variants) {
    const Study sweep = tuning_study(plan.study, variant, options);
    if (sweep.variants.empty()) continue;
    auto chosen = tune(request, sweep, options, corpus, progress);
    variant.assignments.insert(variant.assignments.end(), chosen.assignments.begin(),
                               chosen.assignments.end());
    all_chosen.push_back(std::move(chosen));
  }
  ComparisonResult result;
  result.study = run_study(request, corpus, progress);
  if (!all_chosen.empty()) {
    metric = options.metric.empty() ? first_metric(result.study) : options.metric;
  }
  result.comparison = compare_methods(request.folder, result.study, options, plan.refusals);
  result.comparison.chosen = std::move(all_chosen);
  result.comparison.metric = std::move(metric);
  write_comparison(request.folder, result.comparison);
  return result;
}

}  // namespace hardy
