// Execution of training commands: loads the corpus, runs the protocol, prints the table.
#include <algorithm>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "cli/interrupts.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/share_trainer.h"
#include "cli/table_style.h"
#include "cli/training_commands.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "metrics/registry.h"
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
    return as_text({{"folder", result.folder.string()},
                    {"wall_s", timings.wall_s},
                    {"cpu_s", timings.cpu_s},
                    {"peak_memory_bytes", timings.peak_memory_bytes},
                    {"results", Json::parse(results_json(result.results))}});
  }
  return fmt::format("{}\n{} on {} workers ({} CPU, peak {}); written to {}\n",
                     table_of(request, result.results, progress), duration_text(timings.wall_s),
                     timings.jobs, duration_text(timings.cpu_s),
                     bytes_text(timings.peak_memory_bytes), result.folder.string());
}

/// The data of a stored model.
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
      evaluate_models(request.run_or_model, corpus, request.conditions, progress);
  progress.finish();
  print(request.json ? results_json(results) : table_of(request, results, progress));
}

/// Prints warnings that affect the numbers of a run; others are counted.
void report_warnings(const std::vector<Finding>& warnings, const std::string& path) {
  std::size_t others = 0;
  for (const auto& warning : warnings) {
    if (warning.kind != "label-guess" && warning.kind != "similar-classes") {
      ++others;
      continue;
    }
    print_notice(fmt::format("hardy: note: {}: {}; {}", printable(warning.where),
                             printable(warning.what), printable(warning.remedy)));
  }
  if (others == 0) return;
  print_notice(
      fmt::format("hardy: note: {} warnings about the data; hardy data check {} lists them", others,
                  printable(path)));
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

void carry_out(const TrainingRequest& request) {
  ProgressBar progress(stderr_progress(request.quiet));
  if (request.command == "evaluate") return evaluate(request, progress);
  const std::atomic<bool>& stop = catch_interrupts();
  std::vector<Finding> warnings;
  const Corpus corpus =
      load_corpus(request.config.data, worker_count(request.config.run.jobs), &warnings);
  report_warnings(warnings, request.config.data.path);
  if (request.sharing.shard || !request.sharing.plan.empty()) {
    return share(request, stop, corpus, progress);
  }
  const ProtocolRequest protocol = {.command = request.command,
                                    .config = request.config,
                                    .only_fold = request.fold,
                                    .folder = request.out,
                                    .cache = request.cache,
                                    .overwrite = request.overwrite,
                                    .checkpoint_interval_s = request.checkpoint_interval_s,
                                    .from_cache = request.sharing.from_cache,
                                    .stop = &stop};
  progress.start(request.command == "run" ? "running" : "training");
  const ProtocolResult result = protocol.from_cache ? collect(protocol, corpus, progress)
                                                    : run_protocol(protocol, corpus, progress);
  progress.finish();
  if (result.timings.cache.damaged > 0) {
    progress.note(
        fmt::format("{} damaged cache entries were computed again", result.timings.cache.damaged));
  }
  print(report(request, result, progress));
}

}  // namespace hardy
