// Execution of studies in the trainer.
#include <algorithm>
#include <optional>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/files.h"
#include "base/wording.h"
#include "cli/audit_command.h"
#include "cli/hardness_command.h"
#include "cli/interrupts.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/share_trainer.h"
#include "cli/study_commands.h"
#include "experiments/estimate_comparison.h"
#include "experiments/hardness_validity.h"
#include "experiments/neighbour_maps.h"
#include "experiments/reproduce.h"
#include "experiments/run_comparison.h"
#include "experiments/run_study.h"
#include "experiments/study_results.h"
#include "experiments/table_formats.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "pipeline/folder_owner.h"
#include "pipeline/stage_cache.h"

namespace hardy {
namespace {

int loading_threads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

void say_estimate(const StudyRequest& request, const Corpus& corpus, ProgressBar& progress) {
  progress.start("measuring what an epoch costs");
  const StudyEstimate estimate = estimate_study(request, corpus, progress);
  progress.finish();
  const double share =
      estimate.one_protocol_cpu_s > 0 ? estimate.cpu_s / estimate.one_protocol_cpu_s : 0;
  print_notice(
      fmt::format("{} variants: at most about {} on {}, {} CPU = {:.1f} times one protocol; "
                  "extrapolated from 4 epochs of fold 1 ({} CPU), early stopping not counted",
                  request.study.variants.size(), duration_text(estimate.cpu_s / estimate.jobs),
                  counted(estimate.jobs, "worker"), duration_text(estimate.cpu_s), share,
                  duration_text(estimate.calibration_cpu_s)));
}

/// The same for methods, each measured separately.
void say_method_estimate(const StudyRequest& request, const CompareOptions& options,
                         const Corpus& corpus, ProgressBar& progress) {
  progress.start("measuring what an epoch of each method costs");
  const auto estimate = estimate_comparison(request, options, corpus, progress);
  progress.finish();
  std::vector<std::string> parts;
  for (const auto& method : estimate.methods) {
    parts.push_back(fmt::format("{} {}", method_title(method.method), duration_text(method.cpu_s)));
  }
  print_notice(fmt::format(
      "{} methods: at most about {} on {}, {} CPU ({}); extrapolated from 1 to 3 epochs "
      "of each stage on fold 1 ({} CPU), early stopping not counted",
      estimate.methods.size(), duration_text(estimate.cpu_s / estimate.jobs),
      counted(estimate.jobs, "worker"), duration_text(estimate.cpu_s), fmt::join(parts, ", "),
      duration_text(estimate.calibration_cpu_s)));
}

/// Prints the estimate of a comparison, or of an experiment that includes methods: HARDY-MER's
/// variants share stages, so they are counted together.
void say_estimates(const StudyCommand& command, const StudyRequest& request, const Corpus& corpus,
                   ProgressBar& progress) {
  if (!command.comparison) return say_estimate(request, corpus, progress);
  if (command.experiment.empty()) {
    return say_method_estimate(request, *command.comparison, corpus, progress);
  }
  StudyRequest others = request;
  StudyRequest own = request;
  const auto is_other = [&](const Variant& variant) {
    const auto method = variant_config(request.study, variant).protocol.method;
    return method != "hardymer" && method != "hardymer_published";
  };
  std::erase_if(own.study.variants, is_other);
  std::erase_if(others.study.variants, [&](const Variant& v) { return !is_other(v); });
  if (!own.study.variants.empty()) say_estimate(own, corpus, progress);
  if (!others.study.variants.empty()) {
    say_method_estimate(others, *command.comparison, corpus, progress);
  }
}

/// Printed report of a study that is no experiment of the paper.
std::string report(const StudyCommand& command, const StudyResult& result) {
  if (command.json) return study_json(result);
  if (command.study.kind != "sweep") return study_table(result);
  return ranking_table(result, command.metric.empty() ? first_metric(result) : command.metric);
}

/// Writes the files of an experiment beside its runs, and returns its printed report.
std::string finish_experiment(const StudyCommand& command, const StudyRequest& request,
                              const StudyResult& result, const Corpus& corpus,
                              ProgressBar& progress) {
  const auto& name = command.experiment;
  std::string text;
  if (name != "fig3") {  // it has a single variant
    write_file_atomically(command.out / "reproduction.csv", reproduction_csv(name, result));
    write_file_atomically(command.out / "reproduction.txt", reproduction_text(name, result));
    seal_study(command.out);
    if (name != "table1") text = reproduction_text(name, result);
  }
  if (name != "fig3" && name != "all") return text;
  const MapRequest maps = {.config = variant_config(request.study, request.study.variants.front()),
                           .run = command.out / result.variants.front().folder,
                           .cache = stage_cache_of(request),
                           .queries = command.queries,
                           .stop = request.stop};
  progress.start("mapping neighbours");
  const auto found = map_neighbours(maps, corpus, progress);
  progress.finish();
  write_neighbour_maps(command.out, found, corpus);
  return text + (text.empty() ? "" : "\n") + neighbour_text(found);
}

/// Removes methods that cannot be applied to the corpus, reports them, and makes the rest the
/// study.
ComparisonPlan plan(StudyRequest& request, const Corpus& corpus) {
  auto planned = plan_comparison(request.study, corpus);
  for (const auto& refusal : planned.refusals) {
    print_notice(fmt::format("{} is left out: {}", method_title(refusal.method), refusal.reason));
  }
  request.study = planned.study;
  return planned;
}

/// Outcome of a study.
struct Outcome {
  std::string text = {};     ///< printed text
  std::string finding = {};  ///< finding of an audit; empty = none
  double wall_s = 0;
  std::vector<std::string> best = {};  ///< of a sweep: the settings that validation chose
};

/// The command that makes sense after a study.
std::string next_step(const StudyCommand& command, const StudyRequest& request,
                      const Outcome& outcome) {
  const auto folder = command.out.string();
  if (command.study.kind != "sweep" || outcome.best.empty()) {
    return fmt::format("next: `hardy report {}` shows it", folder);
  }
  const auto& path = request.study.base.data.path;
  std::string line = fmt::format("hardy run{}", path.empty() ? "" : " " + path);
  for (const auto& assignment : outcome.best) line += fmt::format(" --set {}", assignment);
  return fmt::format(
      "next: `{} --out {}-best` tests what validation chose (with the other options "
      "of this sweep)",
      line, folder);
}

/// The comparison of methods, and the experiment of the paper that it may be part of.
Outcome run_compared(const StudyCommand& command, const StudyRequest& request,
                     const ComparisonPlan& planned, const Corpus& corpus, ProgressBar& progress) {
  const auto done = run_comparison(request, planned, *command.comparison, corpus, progress);
  Outcome outcome{.text = comparison_in(command.format, done.comparison),
                  .wall_s = done.study.wall_s};
  if (command.experiment.empty()) return outcome;
  const auto text = finish_experiment(command, request, done.study, corpus, progress);
  if (command.json && command.format.empty()) {
    outcome.text = study_json(done.study);
  } else {
    outcome.text = text + (text.empty() || outcome.text.empty() ? "" : "\n") + outcome.text;
  }
  return outcome;
}

Outcome run(const StudyCommand& command, const StudyRequest& request,
            const std::optional<ComparisonPlan>& planned, const Corpus& corpus,
            ProgressBar& progress) {
  if (planned) return run_compared(command, request, *planned, corpus, progress);
  const StudyResult result = run_study(request, corpus, progress);
  Outcome outcome{.wall_s = result.wall_s};
  if (const auto audit = report_audit(command, result)) {
    outcome.text = audit->text;
    outcome.finding = audit->finding;
  } else if (command.experiment.empty()) {
    outcome.text = report(command, result);
    if (command.study.kind == "sweep") {
      const auto metric = command.metric.empty() ? first_metric(result) : command.metric;
      const auto ranking = rank_by_validation(result, metric);
      if (!ranking.empty()) {
        outcome.best = result.variants[ranking.front().variant].variant.assignments;
      }
    }
  } else {
    outcome.text = finish_experiment(command, request, result, corpus, progress);
    if (command.json) outcome.text = study_json(result);
  }
  return outcome;
}

}  // namespace

std::string carry_out(const StudyCommand& command) {
  ProgressBar progress(stderr_progress(command.quiet));
  const std::atomic<bool>& stop = catch_interrupts();
  const Corpus corpus =
      audited_corpus(command.study.kind, load_corpus(command.study.base.data, loading_threads()));
  StudyRequest request = {.study = command.study,
                          .folder = command.out,
                          .cache = command.cache,
                          .overwrite = command.overwrite,
                          .from_cache = command.sharing.from_cache,
                          .stop = &stop,
                          .command_line = command.command_line};
  if (!command.experiment.empty()) {
    request.study = reproduction(command.experiment, command.study.base, corpus.modality_names(),
                                 command.only_unified);
    if (command.comparison) limit_other_methods(*command.comparison, request.study);
  }
  std::optional<ComparisonPlan> planned;
  if (command.comparison) {
    planned = plan(request, corpus);
    check_tuning(*planned, *command.comparison, corpus);
  }
  if (command.sharing.shard) {
    const ShardRequest own = {.shard = *command.sharing.shard,
                              .variants = share_variants(request.study),
                              .cache = stage_cache_of(request),
                              .stop = &stop};
    carry_out_share(own, request.folder, corpus, progress, command.quiet);
    return "";
  }
  if (!command.sharing.plan.empty()) {
    write_plan(command.sharing.plan, request, command.comparison, corpus, progress);
    return "";
  }
  std::optional<FolderOwner> owner;
  if (command.runs) {
    check_study_folder(request.folder);
    make_folder(request.folder);
    owner.emplace(request.folder);
    claim_study_folder(request.folder, request.study);
  }
  if (command.estimates && !request.from_cache) say_estimates(command, request, corpus, progress);
  if (!command.runs) {
    if (planned && command.experiment.empty()) print(plan_text(*planned, *command.comparison));
    return "";
  }
  const Outcome outcome = run(command, request, planned, corpus, progress);
  print(outcome.text);
  const auto cache = stage_cache_of(request);
  print_notice(
      fmt::format("{}; written to {}; its stage cache holds {} (`hardy cache clear "
                  "--cache {}` frees it)",
                  duration_text(outcome.wall_s), command.out.string(),
                  bytes_text(cache_contents(cache).bytes), cache.string()));
  if (!command.quiet) print_notice(next_step(command, request, outcome));
  return outcome.finding;
}

void carry_out(const HardnessCommand& command) {
  const RunFolder run = RunFolder::open(command.run);
  DataConfig data = data_of(run);
  if (!command.data.empty()) data.path = command.data;
  const Corpus corpus = load_corpus(data, loading_threads());
  const HardnessReport report = examine_hardness(run, corpus, command.cases);
  print(command.json ? hardness_json(report) : hardness_text(report));
}

}  // namespace hardy
