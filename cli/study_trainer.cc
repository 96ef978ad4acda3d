// The trainer's way of carrying out studies.
#include <algorithm>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "cli/audit_command.h"
#include "cli/hardness_command.h"
#include "cli/interrupts.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/study_commands.h"
#include "hardy/core/errors.h"
#include "hardy/core/files.h"
#include "hardy/data/load.h"
#include "hardy/run/stage_cache.h"
#include "hardy/study/hardness_validity.h"
#include "hardy/study/reproduce.h"
#include "hardy/study/run_study.h"

namespace hardy {
namespace {

int loading_threads() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

void say_estimate(const StudyRequest& request, const Corpus& corpus, ProgressBar& progress) {
  progress.start("measuring what an epoch costs");
  const StudyEstimate estimate = estimate_study(request, corpus, progress);
  progress.finish();
  const double share =
      estimate.one_protocol_cpu_s > 0 ? estimate.cpu_s / estimate.one_protocol_cpu_s : 0;
  print_notice(fmt::format(
      "{} variants: at most about {} on {} worker(s), {} CPU = {:.1f} times one protocol; "
      "extrapolated from 4 epochs of fold 1 ({} CPU), early stopping not counted",
      request.study.variants.size(), duration_text(estimate.cpu_s / estimate.jobs), estimate.jobs,
      duration_text(estimate.cpu_s), share, duration_text(estimate.calibration_cpu_s)));
}

std::string report(const StudyCommand& command, const StudyResult& result) {
  if (command.json) return study_json(result);
  if (!command.experiment.empty()) return reproduction_text(command.experiment, result);
  if (command.study.kind != "sweep") return study_table(result);
  return ranking_table(result, command.metric.empty() ? first_metric(result) : command.metric);
}

}  // namespace

void carry_out(const StudyCommand& command) {
  ProgressBar progress(stderr_progress(command.quiet));
  const std::atomic<bool>& stop = catch_interrupts();
  const Corpus corpus =
      audited_corpus(command.study.kind, load_corpus(command.study.base.data, loading_threads()));
  const Study study = command.experiment.empty()
                          ? command.study
                          : reproduction(command.experiment, command.study.base,
                                         corpus.modality_names(), command.only_unified);
  const StudyRequest request = {.study = study,
                                .folder = command.out,
                                .cache = command.cache,
                                .overwrite = command.overwrite,
                                .stop = &stop,
                                .command_line = command.command_line};
  if (command.estimates) say_estimate(request, corpus, progress);
  if (!command.runs) return;
  const StudyResult result = run_study(request, corpus, progress);
  if (!command.experiment.empty()) {
    write_file_atomically(command.out / "reproduction.csv",
                          reproduction_csv(command.experiment, result));
    write_file_atomically(command.out / "reproduction.txt",
                          reproduction_text(command.experiment, result));
  }
  const auto audit = report_audit(command, result);
  print(audit ? audit->text : report(command, result));
  const auto cache = command.cache.empty() ? command.out / "stages" : command.cache;
  print_notice(
      fmt::format("{}; written to {}; its stage cache holds {} (`hardy cache clear "
                  "--cache {}` frees it)",
                  duration_text(result.wall_s), command.out.string(),
                  bytes_text(cache_contents(cache).bytes), cache.string()));
  if (audit && !audit->finding.empty()) throw AuditFinding(audit->finding);
}

void carry_out(const HardnessCommand& command) {
  const RunFolder run = RunFolder::open(command.run);
  DataConfig data = run.manifest().config.data;
  if (!command.data.empty()) data.path = command.data;
  const Corpus corpus = load_corpus(data, loading_threads());
  const HardnessReport report = examine_hardness(run, corpus, command.cases);
  print(command.json ? hardness_json(report) : hardness_text(report));
}

}  // namespace hardy
