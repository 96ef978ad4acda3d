#include "analysis/results_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "analysis/results_text.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "base/json_number.h"
#include "hardy/errors.h"
#include "pipeline/check_run.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr std::size_t kMaxResultBytes = std::size_t{1} << 30;

double number_of(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

Json json_of(const Score& score, const std::vector<std::string>& modality_names) {
  Json metrics = Json::object();
  for (const auto& metric : score.metrics) metrics[metric.name] = json_number(metric.value);
  Json json = {{"track", score.track},
               {"condition", condition_label(score.condition, modality_names)},
               {"fold", score.fold},
               {"seed", score.seed},
               {"utterances", score.utterances}};
  if (score.unread > 0) json["unread"] = score.unread;
  if (score.unlabelled > 0) json["unlabelled"] = score.unlabelled;
  json["metrics"] = std::move(metrics);
  json["confusion"] = score.confusion;
  return json;
}

Score score_of(const Json& json, const std::vector<std::string>& modality_names) {
  Score score;
  json.at("track").get_to(score.track);
  score.condition = parse_condition(json.at("condition").get<std::string>(), modality_names);
  json.at("fold").get_to(score.fold);
  json.at("seed").get_to(score.seed);
  json.at("utterances").get_to(score.utterances);
  score.unread = json.value("unread", std::int64_t{0});
  score.unlabelled = json.value("unlabelled", std::int64_t{0});
  for (const auto& [name, value] : json.at("metrics").items()) {
    score.metrics.push_back({name, number_of(value)});
  }
  json.at("confusion").get_to(score.confusion);
  return score;
}

Json json_of(const Summary& summary, bool has_intervals) {
  Json json = {{"track", summary.track},
               {"condition", summary.condition},
               {"metric", summary.metric},
               {"mean", json_number(summary.mean)},
               {"seed_deviation", json_number(summary.seed_deviation)},
               {"fold_deviation", json_number(summary.fold_deviation)}};
  if (has_intervals) {
    json["low"] = json_number(summary.low);
    json["high"] = json_number(summary.high);
    if (!summary.no_interval.empty()) json["no_interval"] = summary.no_interval;
  }
  return json;
}

Summary summary_of(const Json& json) {
  Summary summary;
  json.at("track").get_to(summary.track);
  json.at("condition").get_to(summary.condition);
  json.at("metric").get_to(summary.metric);
  summary.mean = number_of(json.at("mean"));
  summary.seed_deviation = number_of(json.at("seed_deviation"));
  summary.fold_deviation = number_of(json.at("fold_deviation"));
  // Absent in runs from before intervals.
  if (json.contains("low")) summary.low = number_of(json.at("low"));
  if (json.contains("high")) summary.high = number_of(json.at("high"));
  summary.no_interval = json.value("no_interval", "");
  return summary;
}

/// The names in files of earlier versions: short labels, and metrics of values without convention.
void make_current(Results& results) {
  const bool is_of_values = std::find(results.metrics.begin(), results.metrics.end(), "accuracy") !=
                            results.metrics.end();
  const auto rename = [&](std::string& metric) {
    if (is_of_values && metric == "accuracy") metric = "acc2_non0";
    if (is_of_values && metric == "weighted_f1") metric = "f1_non0";
  };
  for (auto* list : {&results.metrics, &results.headline}) {
    for (auto& metric : *list) rename(metric);
  }
  for (auto& score : results.scores) {
    for (auto& metric : score.metrics) rename(metric.name);
  }
  for (auto& summary : results.summaries) {
    rename(summary.metric);
    summary.condition = current_label(summary.condition, results.modality_names);
  }
}

Results results_of(const Json& json) {
  Results results;
  // Absent in runs from before there were several methods.
  if (json.contains("method")) json.at("method").get_to(results.method);
  if (json.contains("defects")) json.at("defects").get_to(results.defects);
  if (json.contains("notes")) json.at("notes").get_to(results.notes);
  const Json& data = json.at("data");
  data.at("name").get_to(results.data_name);
  data.at("is_synthetic").get_to(results.is_synthetic);
  data.at("classes").get_to(results.class_names);
  data.at("modalities").get_to(results.modality_names);
  const std::size_t modalities = results.modality_names.size();
  if (modalities < 1 || modalities > std::size_t{kMaxModalities}) {
    throw ArtifactError(fmt::format("{} modalities", modalities));
  }
  json.at("folds").get_to(results.folds);
  json.at("seeds").get_to(results.seeds);
  json.at("tracks").get_to(results.tracks);
  for (const Json& label : json.at("conditions")) {
    results.conditions.push_back(parse_condition(label.get<std::string>(), results.modality_names));
  }
  json.at("metrics").get_to(results.metrics);
  json.at("headline").get_to(results.headline);
  for (const Json& score : json.at("scores")) {
    results.scores.push_back(score_of(score, results.modality_names));
  }
  for (const Json& cell : json.at("summaries")) results.summaries.push_back(summary_of(cell));
  if (json.contains("intervals")) {
    json.at("intervals").at("level").get_to(results.intervals.level);
    json.at("intervals").at("resamples").get_to(results.intervals.resamples);
    results.intervals.clusters = json.at("intervals").value("clusters", "dialogue");
    results.intervals.cluster_count = json.at("intervals").value("cluster_count", std::int64_t{0});
  }
  if (json.contains("missing")) {
    const Json& missing = json.at("missing");
    missing.at("at").get_to(results.masks_at);
    missing.at("seed").get_to(results.mask_seed);
    for (const Json& mask : missing.at("masks")) {
      results.masks.push_back(
          {mask.at("condition").get<std::string>(), number_of(mask.at("removed"))});
    }
  }
  for (const Json& metric : json.value("not_applicable", Json::array())) {
    results.not_applicable.push_back(
        {metric.at("metric").get<std::string>(), metric.at("reason").get<std::string>()});
  }
  make_current(results);
  return results;
}

}  // namespace

std::string results_json(const Results& results) {
  Json conditions = Json::array();
  for (const Condition& condition : results.conditions) {
    conditions.push_back(condition_label(condition, results.modality_names));
  }
  Json scores = Json::array();
  for (const Score& score : results.scores) {
    scores.push_back(json_of(score, results.modality_names));
  }
  Json summaries = Json::array();
  const bool has_intervals = results.intervals.level > 0;
  for (const Summary& summary : results.summaries) {
    summaries.push_back(json_of(summary, has_intervals));
  }
  Json json = {{"format", kFormat}, {"method", results.method}};
  if (!results.defects.empty()) json["defects"] = results.defects;
  if (!results.notes.empty()) json["notes"] = results.notes;
  json["data"] = {{"name", results.data_name},
                  {"is_synthetic", results.is_synthetic},
                  {"classes", results.class_names},
                  {"modalities", results.modality_names}};
  json["folds"] = results.folds;
  json["seeds"] = results.seeds;
  json["tracks"] = results.tracks;
  json["conditions"] = conditions;
  json["metrics"] = results.metrics;
  json["headline"] = results.headline;
  if (has_intervals) {
    json["intervals"] = {{"level", results.intervals.level},
                         {"resamples", results.intervals.resamples},
                         {"clusters", results.intervals.clusters},
                         {"cluster_count", results.intervals.cluster_count}};
  }
  if (!results.masks.empty()) {
    Json list = Json::array();
    for (const auto& mask : results.masks) {
      list.push_back({{"condition", mask.condition}, {"removed", json_number(mask.removed)}});
    }
    json["missing"] = {
        {"at", results.masks_at}, {"seed", results.mask_seed}, {"masks", std::move(list)}};
  }
  if (!results.not_applicable.empty()) {
    Json list = Json::array();
    for (const auto& metric : results.not_applicable) {
      list.push_back({{"metric", metric.metric}, {"reason", metric.reason}});
    }
    json["not_applicable"] = std::move(list);
  }
  json["summaries"] = std::move(summaries);
  json["scores"] = std::move(scores);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Results parse_results(const std::string& json_text, const std::string& name) {
  try {
    const Json json = Json::parse(json_text);
    const int format = json.at("format").get<int>();
    if (format != kFormat) {
      throw ArtifactError(fmt::format("format {} is not supported, only {}", format, kFormat));
    }
    return results_of(json);
  } catch (const Json::exception& error) {
    throw ArtifactError(
        fmt::format("{}: damaged: {}; run again to write it anew", name, error.what()));
  } catch (const Error& error) {
    throw ArtifactError(
        fmt::format("{}: damaged: {}; run again to write it anew", name, error.what()));
  }
}

Results read_results(const std::filesystem::path& folder) {
  const RunFolder run = RunFolder::open(folder);
  if (!run.is_complete()) {
    throw ArtifactError(fmt::format(
        "{}: this run has no results yet; finish it by giving its command again", folder.string()));
  }
  const auto file = run.results_json_file();
  verify_listed_file(file);
  try {
    return parse_results(read_text_file(file, kMaxResultBytes), file.string());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    throw ArtifactError(error.what());
  }
}

void write_validation(const RunFolder& folder, const Results& results) {
  write_file_atomically(folder.validation_json_file(), results_json(results));
}

void write_results(const RunFolder& folder, const Results& results) {
  write_file_atomically(folder.results_csv_file(), results_csv(results));
  const std::string text = results_json(results);
  write_run_checksums(folder, text);
  // Last, because its presence says that the run is complete.
  write_file_atomically(folder.results_json_file(), text);
}

}  // namespace hardy
