#include "experiments/run_study.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "analysis/results_json.h"
#include "base/checksum.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "base/shared_files.h"
#include "experiments/estimate.h"
#include "hardy/errors.h"
#include "hardy/split.h"
#include "methods/hardymer/settings.h"
#include "nn/numerics.h"
#include "pipeline/shard_progress.h"
#include "protocol/run_protocol.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDescription = "study.toml";

/// The command in manifests of a variant's run; a run without test results is no finished `run`.
const char* command_of(const StudyRequest& request) {
  return request.only_validation ? "validate" : "run";
}

/// The results of a finished variant; nothing if it must be run.
std::optional<VariantResult> finished(const StudyRequest& request, const fs::path& folder,
                                      const Config& config, const Corpus& corpus,
                                      const std::vector<Fold>& folds) {
  std::error_code error;
  if (!fs::exists(folder / "manifest.json", error)) return std::nullopt;
  const RunFolder run = RunFolder::open(folder);
  if (!run.is_complete()) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& fold : folds) names.push_back(fold.name);
  auto asked = make_manifest(command_of(request), config, corpus, names);
  asked.numerics = numerics_class();
  if (manifest_difference(run.manifest(), asked)) {
    return std::nullopt;  // run_protocol reports the difference
  }
  VariantResult result;
  result.test = read_results(folder);
  if (fs::exists(run.validation_json_file(), error)) {
    verify_listed_file(run.validation_json_file());
    result.validation = parse_results(read_text_file(run.validation_json_file()),
                                      run.validation_json_file().string());
  }
  result.was_complete = true;
  return result;
}

VariantResult run_variant(const StudyRequest& request, const std::string& label,
                          const fs::path& folder, const Config& config, const Corpus& corpus,
                          Progress& progress) {
  const ProtocolRequest protocol = {.command = command_of(request),
                                    .config = config,
                                    .only_fold = {},
                                    .folder = folder,
                                    .cache = stage_cache_of(request),
                                    .overwrite = request.overwrite,
                                    .from_cache = request.from_cache,
                                    .variant = label,
                                    .only_validation = request.only_validation,
                                    .stop = request.stop};
  auto done = run_protocol(protocol, corpus, progress);
  VariantResult result;
  result.test = std::move(done.results);
  result.validation = std::move(done.validation);
  result.cache = done.timings.cache;
  for (const auto& [stage, seconds] : done.timings.stage_cpu_s) result.stage_cpu_s += seconds;
  return result;
}

/// CPU seconds of the three kinds of stages of a short run.
struct ShortRun {
  double preparation_s = 0;
  double pretraining_s = 0;
  double fit_s = 0;
};

/// Trains one fold and seed with `epochs` of everything in a temporary folder.
ShortRun run_shortly(const StudyRequest& request, const Corpus& corpus, std::int64_t epochs,
                     Progress& progress) {
  Config config = request.study.base;
  HardyMerSettings& settings = hardymer_settings(config);
  settings.tuning.epochs = epochs;
  settings.hardness.complete_epochs = epochs;
  settings.hardness.pattern_epochs = epochs;
  settings.recogniser.complete_epochs = epochs;
  settings.recogniser.pattern_epochs = epochs;
  config.run.seeds = {config.run.seeds.front()};
  config.run.models = KeptModels::kNone;
  const fs::path folder = temporary_name(request.folder / "short");
  const auto cleanup = [&folder](const void*) {
    std::error_code error;
    fs::remove_all(folder, error);
    fs::remove(folder.parent_path(), error);  // only if it is empty
  };
  const std::unique_ptr<const void, decltype(cleanup)> guard(&folder, cleanup);
  const ProtocolRequest protocol = {.command = "train",
                                    .config = config,
                                    .only_fold = 0,
                                    .folder = folder,
                                    .cache = {},
                                    .overwrite = true,
                                    .stop = request.stop};
  ShortRun result;
  const auto done = run_protocol(protocol, corpus, progress);
  for (const auto& [stage, seconds] : done.timings.stage_cpu_s) {
    if (stage == "pretraining") {
      result.pretraining_s += seconds;
    } else if (stage.starts_with("specialist") || stage == "unified") {
      result.fit_s += seconds;
    } else {
      result.preparation_s += seconds;
    }
  }
  return result;
}

}  // namespace

int study_jobs(const Config& config) {
  if (config.run.jobs > 0) return static_cast<int>(config.run.jobs);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

fs::path stage_cache_of(const StudyRequest& request) {
  return request.cache.empty() ? request.folder / kStageFolder : request.cache;
}

void check_study_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    throw ConfigError(
        fmt::format("{}: is a file, not a folder; choose another --out", folder.string()));
  }
  if (fs::exists(folder / kDescription, error)) return;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_scaffolding(entry.path().filename().string())) continue;
    throw ConfigError(fmt::format(
        "{}: is not empty and holds no {}, so it is no study and is left alone; choose another "
        "folder with --out",
        folder.string(), kDescription));
  }
}

void claim_study_folder(const fs::path& folder, const Study& study) {
  check_study_folder(folder);
  std::error_code ignored;
  std::filesystem::remove(folder / kChecksumFile, ignored);  // write_study writes it again
  write_file_atomically(folder / kDescription, study_toml(study));
}

StudyEstimate estimate_study(const StudyRequest& request, const Corpus& corpus,
                             Progress& progress) {
  constexpr std::int64_t kFew = 1;
  constexpr std::int64_t kMore = 3;
  const Config& base = request.study.base;
  const auto conditions = static_cast<std::int64_t>(
      parse_conditions(base.protocol.conditions, corpus.modality_names()).size());
  const auto folds = make_folds(corpus, base.protocol).size();
  check_study_folder(request.folder);
  const auto few = run_shortly(request, corpus, kFew, progress);
  const auto more = run_shortly(request, corpus, kMore, progress);
  // Work of a short run, counted in the same way as the study's.
  Study alone = request.study;
  alone.variants = {{"base", {}}};
  const auto work_of = [&](std::int64_t epochs) {
    Study brief = alone;
    HardyMerSettings& settings = hardymer_settings(brief.base);
    settings.tuning.epochs = epochs;
    settings.hardness.complete_epochs = epochs;
    settings.hardness.pattern_epochs = epochs;
    settings.recogniser.complete_epochs = epochs;
    settings.recogniser.pattern_epochs = epochs;
    return distinct_work(brief, 1, conditions);
  };
  const StageWork brief = work_of(kFew);
  const StageWork longer = work_of(kMore);
  EpochCosts costs;
  costs.preparation = line_through(brief.preparation_epochs, few.preparation_s,
                                   longer.preparation_epochs, more.preparation_s);
  costs.pretraining = line_through(brief.pretraining_epochs, few.pretraining_s,
                                   longer.pretraining_epochs, more.pretraining_s);
  costs.fit = line_through(brief.fit_epochs, few.fit_s, longer.fit_epochs, more.fit_s);
  costs.fit.once_s /= std::max(1.0, brief.fits);
  const auto groups = static_cast<double>(folds * base.run.seeds.size());
  StudyEstimate estimate;
  estimate.cpu_s =
      groups *
      seconds_of(distinct_work(request.study, request.study.variants.size(), conditions), costs);
  estimate.one_protocol_cpu_s = groups * seconds_of(distinct_work(alone, 1, conditions), costs);
  estimate.calibration_cpu_s = few.preparation_s + few.pretraining_s + few.fit_s +
                               more.preparation_s + more.pretraining_s + more.fit_s;
  estimate.jobs = study_jobs(base);
  return estimate;
}

StudyResult run_study(const StudyRequest& request, const Corpus& corpus, Progress& progress) {
  validate_study(request.study);
  const auto started = std::chrono::steady_clock::now();
  claim_study_folder(request.folder, request.study);
  StudyResult result;
  result.study = request.study;
  result.command_line = request.command_line;
  result.data_checksum = corpus.checksum;
  const auto count = request.study.variants.size();
  std::vector<MissingFit> missing;
  for (std::size_t v = 0; v < count; ++v) {
    const Variant& variant = request.study.variants[v];
    const Config config = variant_config(request.study, variant);
    const auto folder = request.folder / folder_of(variant);
    auto done = finished(request, folder, config, corpus, make_folds(corpus, config.protocol));
    if (!done) {
      progress.start(fmt::format("{}{} of {}: {}", request.phase, v + 1, count, variant.label));
      try {
        done = run_variant(request, variant.label, folder, config, corpus, progress);
      } catch (const MissingFits& lacking) {
        missing.insert(missing.end(), lacking.fits().begin(), lacking.fits().end());
      }
      progress.finish();
      if (!done) continue;
    }
    done->variant = variant;
    done->folder = folder_of(variant);
    done->results_checksum = sha256(read_text_file(folder / "results.json"));
    result.variants.push_back(std::move(*done));
  }
  if (request.from_cache) write_missing(request.folder, missing);
  if (!missing.empty()) throw MissingFits(missing_text(request.folder, missing), missing);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
  result.wall_s = wall.count();
  write_study(request.folder, result);
  return result;
}

}  // namespace hardy
