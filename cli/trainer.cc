// Execution of training commands: loads the corpus, runs the protocol, prints the table.
#include <algorithm>
#include <cmath>
#include <optional>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "base/wording.h"
#include "cli/interrupts.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/share_trainer.h"
#include "cli/table_style.h"
#include "cli/training_commands.h"
#include "cli/version_text.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "metrics/registry.h"
#include "nn/numerics.h"
#include "protocol/model_file.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

/// `run.jobs` as a number of threads: 0 = one per core.
int worker_count(std::int64_t jobs) {
  if (jobs > 0) return static_cast<int>(jobs);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

std::string as_text(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// The requested table. Metrics that these labels do not have are left out with a note.
std::string table_of(const TrainingRequest& request, const Results& results, Progress& progress) {
  TableStyle style = table_style();
  for (const auto& metric : request.metrics) {
    if (metric == "all") {
      style.metrics = results.metrics;
      break;
    }
    try {
      style.metrics.push_back(metric_named(metric, results.metrics));
    } catch (const Error& error) {
      progress.note(error.what());
    }
  }
  return results_table(results, style);
}

/// Printed report of `run` and `train`.
std::string report(const TrainingRequest& request, const ProtocolResult& result,
                   Progress& progress) {
  const RunTimings& timings = result.timings;
  if (request.json) {
    return as_text({{"format", 1},
                    {"folder", result.folder.string()},
                    {"wall_s", timings.wall_s},
                    {"cpu_s", timings.cpu_s},
                    {"peak_memory_bytes", timings.peak_memory_bytes},
                    {"results", Json::parse(results_json(result.results))}});
  }
  return fmt::format("{}\n{} on {} ({} CPU, peak {}); written to {}\n",
                     table_of(request, result.results, progress), duration_text(timings.wall_s),
                     counted(timings.jobs, "worker"), duration_text(timings.cpu_s),
                     bytes_text(timings.peak_memory_bytes), result.folder.string());
}

/// What the settings of a run scored on its test parts, pattern by pattern, for a model of all
/// data.
std::vector<BundleScore> fold_scores(const Results& results, const std::string& track) {
  std::vector<BundleScore> scores;
  for (const auto& condition : results.conditions) {
    if (!condition.is_pattern()) continue;
    BundleScore score{
        .part = "folds", .pattern = condition.pattern, .utterances = 0, .metrics = {}};
    for (const auto& one : results.scores) {
      const bool is_counted =
          one.track == track && one.condition == condition && one.seed == results.seeds.front();
      if (is_counted) score.utterances += one.utterances;
    }
    for (const auto& summary : results.summaries) {
      const bool is_own = summary.track == track && !std::isnan(summary.mean) &&
                          summary.condition == condition_label(condition, results.modality_names);
      if (is_own) score.metrics[summary.metric] = summary.mean;
    }
    if (!score.metrics.empty()) scores.push_back(std::move(score));
  }
  return scores;
}

/// The run whose settings are refitted, checked against the corpus. Returns what it scored.
Results refitted_results(const TrainingRequest& request, const Corpus& corpus) {
  const RunFolder run = RunFolder::open(request.all_data);
  if (run.manifest().data_checksum != corpus.checksum) {
    throw DataError(
        fmt::format("{}: its run was on other data than {}; name the folder of its "
                    "corpus",
                    request.all_data.string(), corpus.source));
  }
  Results results = read_results(request.all_data);
  const std::string track(word_of(request.config.protocol.tracks));
  if (std::find(results.tracks.begin(), results.tracks.end(), track) == results.tracks.end()) {
    throw ArtifactError(
        fmt::format("{}: it has no results of the {} track", request.all_data.string(), track));
  }
  return results;
}

/// What `train --all-data` prints: what may be expected of the model.
std::string refit_text(const TrainingRequest& request, const Results& folds, const Corpus& corpus,
                       const ProtocolResult& result) {
  std::string text = fmt::format(
      "trained on all {} dialogues of {}, some of which chose the epochs and calibrated\n"
      "what these settings scored on the test parts of {} (mean over {} folds, {} seeds):\n",
      corpus.dialogues.size(), printable(corpus.name), request.all_data.string(),
      folds.folds.size(), folds.seeds.size());
  const std::string metric = folds.headline.empty() ? "" : folds.headline.front();
  for (const auto& score :
       fold_scores(folds, std::string(word_of(request.config.protocol.tracks)))) {
    const auto found = score.metrics.find(metric);
    if (found == score.metrics.end()) continue;
    text +=
        fmt::format("  {:<40} {} {:.4f}\n", condition_label(score.pattern, folds.modality_names),
                    metric_title(metric), found->second);
  }
  return text + fmt::format("written to {}; `hardy predict {} DIR` uses it\n",
                            result.folder.string(), result.folder.string());
}

/// What a stored model says of its data.
struct StoredData {
  Config config;
  std::string checksum;
};

StoredData stored_data(const std::filesystem::path& source) {
  std::error_code error;
  StoredData stored;
  if (std::filesystem::is_directory(source, error)) {
    const RunFolder run = RunFolder::open(source);
    stored = {run.manifest().config, run.manifest().data_checksum};
    stored.config.data = data_of(run);
  } else {
    const StoredModel model = load_model(source);
    stored = {model.config, model.info.data_checksum};
  }
  return stored;
}

/// The named corpus, or that of the stored models if none is named.
Corpus corpus_of(const TrainingRequest& request) {
  auto [config, checksum] = stored_data(request.run_or_model);
  const bool is_named = !request.config.data.path.empty();
  if (is_named) {
    // Another corpus: the layout of the run's own does not apply.
    config.data.path = request.config.data.path;
    config.data.format = "auto";
    config.data.labels.clear();
  }
  for (const auto& assignment : request.data_assignments) set_config_field(config, assignment);
  Corpus corpus = load_corpus(config.data, worker_count(0));
  // A model does not contain the path of its data; without a path the demonstration corpus is
  // loaded.
  if (!is_named && request.data_assignments.empty() && corpus.checksum != checksum) {
    throw DataError(fmt::format("{}: trained on other data than {}; name the folder of its corpus",
                                request.run_or_model.string(), corpus.source));
  }
  return corpus;
}

void evaluate(const TrainingRequest& request, Progress& progress) {
  const Corpus corpus = corpus_of(request);
  const Results results =
      evaluate_models(request.run_or_model, corpus, request.conditions, progress,
                      {.map = request.map, .by_target_statistics = request.by_target_statistics});
  progress.finish();
  print(request.json ? results_json(results) : table_of(request, results, progress));
}

/// Says what decides the numbers of a run, or everything; the rest is counted.
void report_warnings(const std::vector<Finding>& warnings, const std::string& path, bool is_all) {
  std::size_t others = 0;
  for (const auto& warning : warnings) {
    if (!is_all && warning.kind != "label-guess" && warning.kind != "similar-classes") {
      ++others;
      continue;
    }
    print_notice(fmt::format("hardy: note: {}: {}; {}", printable(warning.where),
                             printable(warning.what), printable(warning.remedy)));
  }
  if (others == 0) return;
  print_notice(fmt::format("hardy: note: {} about the data; hardy data check {} lists them",
                           counted(others, "warning"), printable(path)));
}

/// Computes a shard of the run, or writes the plan for dividing it.
void share(const TrainingRequest& request, const std::atomic<bool>& stop, const Corpus& corpus,
           Progress& progress) {
  const auto folder = run_folder_of(
      {.command = request.command, .config = request.config, .folder = request.out}, corpus);
  if (request.sharing.shard) {
    const ShardRequest own = {.shard = *request.sharing.shard,
                              .variants = {{"", request.config}},
                              .cache = request.cache,
                              .checkpoint_interval_s = request.checkpoint_interval_s,
                              .stop = &stop};
    return carry_out_share(own, folder, corpus, progress, request.quiet);
  }
  StudyRequest alone;
  alone.study.base = request.config;
  alone.study.variants = {{"run", {}}};
  alone.folder = folder;
  alone.stop = &stop;
  write_plan(request.sharing.plan, alone, CompareOptions{}, corpus, progress);
}

ProtocolResult collect(const ProtocolRequest& request, const Corpus& corpus, Progress& progress) {
  const auto folder = run_folder_of(request, corpus);
  try {
    auto result = run_protocol(request, corpus, progress);
    write_missing(folder, {});
    return result;
  } catch (const MissingFits& missing) {
    write_missing(folder, missing.fits());
    throw;
  }
}

}  // namespace

std::string training_version() { return numerics_class(); }

void carry_out(const TrainingRequest& request) {
  ProgressBar progress(stderr_progress(request.quiet));
  if (request.command == "evaluate") return evaluate(request, progress);
  const std::atomic<bool>& stop = catch_interrupts();
  std::vector<Finding> warnings;
  const Corpus corpus =
      load_corpus(request.config.data, worker_count(request.config.run.jobs), &warnings);
  report_warnings(warnings, request.config.data.path, request.verbose);
  if (request.sharing.shard || !request.sharing.plan.empty()) {
    return share(request, stop, corpus, progress);
  }
  ProtocolRequest protocol = {.command = request.command,
                              .config = request.config,
                              .only_fold = request.fold,
                              .folder = request.out,
                              .cache = request.cache,
                              .overwrite = request.overwrite,
                              .checkpoint_interval_s = request.checkpoint_interval_s,
                              .from_cache = request.sharing.from_cache,
                              .stop = &stop};
  std::optional<Results> folds;
  if (!request.all_data.empty()) {
    folds = refitted_results(request, corpus);
    protocol.command = "train --all-data";
    protocol.all_data = true;
    protocol.fold_scores =
        fold_scores(*folds, std::string(word_of(request.config.protocol.tracks)));
  }
  progress.start(request.command == "run" ? "running" : "training");
  const ProtocolResult result = protocol.from_cache ? collect(protocol, corpus, progress)
                                                    : run_protocol(protocol, corpus, progress);
  progress.finish();
  if (result.timings.cache.damaged > 0) {
    progress.note(
        fmt::format("{} damaged cache entries were computed again", result.timings.cache.damaged));
  }
  if (request.verbose) {
    for (const auto& [stage, cpu_s] : result.timings.stage_cpu_s) {
      print_notice(fmt::format("hardy: note: {:<32} {:>10.2f} s CPU", stage, cpu_s));
    }
  }
  if (folds && !request.json) {
    print(refit_text(request, *folds, corpus, result));
    return;
  }
  print(report(request, result, progress));
  if (request.command == "run" && !request.quiet) {
    const auto folder = result.folder.string();
    print_notice(
        fmt::format("next: `hardy report {}` shows it, `hardy train --all-data {}` makes "
                    "the model to use",
                    folder, folder));
  }
}

}  // namespace hardy
