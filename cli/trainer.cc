// The trainer's way of training: loads the corpus, runs the protocol, prints the table.
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
#include "cli/training_commands.h"
#include "hardy/errors.h"
#include "hardy/load.h"
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

/// What `run` and `train` print.
std::string report(const TrainingRequest& request, const ProtocolResult& result) {
  const RunTimings& timings = result.timings;
  if (request.json) {
    return as_text({{"folder", result.folder.string()},
                    {"wall_s", timings.wall_s},
                    {"cpu_s", timings.cpu_s},
                    {"peak_memory_bytes", timings.peak_memory_bytes},
                    {"results", Json::parse(results_json(result.results))}});
  }
  return fmt::format("{}\n{} on {} workers ({} CPU, peak {}); written to {}\n",
                     results_table(result.results), duration_text(timings.wall_s), timings.jobs,
                     duration_text(timings.cpu_s), bytes_text(timings.peak_memory_bytes),
                     result.folder.string());
}

/// The data settings of stored models, with what the user said over them.
DataConfig data_settings(const TrainingRequest& request) {
  std::error_code error;
  const auto& source = request.run_or_model;
  Config config = std::filesystem::is_directory(source, error)
                      ? RunFolder::open(source).manifest().config
                      : load_model(source).config;
  if (!request.config.data.path.empty()) {
    // Another corpus: how the run's own was laid out says nothing about this one.
    config.data.path = request.config.data.path;
    config.data.format = "auto";
    config.data.labels.clear();
  }
  for (const auto& assignment : request.data_assignments) set_config_field(config, assignment);
  return config.data;
}

void evaluate(const TrainingRequest& request, Progress& progress) {
  const Corpus corpus = load_corpus(data_settings(request), worker_count(0));
  const Results results =
      evaluate_models(request.run_or_model, corpus, request.conditions, progress);
  progress.finish();
  print(request.json ? results_json(results) : results_table(results));
}

/// Says what decides the numbers of a run; the rest is counted.
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

void carry_out(const TrainingRequest& request) {
  ProgressBar progress(stderr_progress(request.quiet));
  if (request.command == "evaluate") return evaluate(request, progress);
  const std::atomic<bool>& stop = catch_interrupts();
  std::vector<Finding> warnings;
  const Corpus corpus =
      load_corpus(request.config.data, worker_count(request.config.run.jobs), &warnings);
  report_warnings(warnings, request.config.data.path);
  const ProtocolRequest protocol = {.command = request.command,
                                    .config = request.config,
                                    .only_fold = request.fold,
                                    .folder = request.out,
                                    .cache = request.cache,
                                    .overwrite = request.overwrite,
                                    .checkpoint_interval_s = request.checkpoint_interval_s,
                                    .stop = &stop};
  progress.start(request.command == "run" ? "running" : "training");
  const ProtocolResult result = run_protocol(protocol, corpus, progress);
  progress.finish();
  if (result.timings.cache.damaged > 0) {
    progress.note(
        fmt::format("{} damaged cache entries were computed again", result.timings.cache.damaged));
  }
  print(report(request, result));
}

}  // namespace hardy
