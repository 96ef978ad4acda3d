// Predictions and models as JSON.
#include "base/json_number.h"
#include "inference/bundle_settings.h"
#include "inference/request.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

/// The raw probabilities of one row.
std::span<const float> raw_row(const Predictions& predictions, std::int64_t i) {
  return predictions.raw_probabilities.subspan(static_cast<std::size_t>(i * predictions.outputs),
                                               static_cast<std::size_t>(predictions.outputs));
}

Json shares_json(const BundleInfo& info, std::span<const float> shares) {
  Json json = Json::object();
  for (std::size_t c = 0; c < shares.size(); ++c) json[info.class_names[c]] = json_float(shares[c]);
  return json;
}

/// Several labels: the predicted ones and the probability of each; several values: each value.
Json targets_json(const BundleInfo& info, std::span<const float> outputs) {
  Json each = Json::object();
  Json there = Json::array();
  for (std::size_t t = 0; t < outputs.size(); ++t) {
    each[info.target_names[t]] = json_float(outputs[t]);
    if (outputs[t] > 0.5F) there.push_back(info.target_names[t]);
  }
  if (info.label_kind == "values") return {{"values", each}};
  return {{"labels", there}, {"probabilities", each}};
}

/// Adds the set of classes, or the interval, of row `i`.
void add_set(const BundleInfo& info, const PredictionSets& sets, const Predictions& predictions,
             std::int64_t i, Json& answer) {
  const auto refusal = sets.refusal(predictions.used[static_cast<std::size_t>(i)]);
  if (info.is_classification()) {
    answer["set"] = Json::array();
    for (const auto c : sets.classes(predictions, i)) {
      answer["set"].push_back(info.class_names[static_cast<std::size_t>(c)]);
    }
  } else if (refusal.empty()) {
    const auto [low, high] = sets.interval(predictions, i);
    answer["interval"] = {json_float(static_cast<float>(low)),
                          json_float(static_cast<float>(high))};
  } else {
    answer["interval"] = nullptr;
  }
  answer["coverage"] = refusal.empty() ? Json(sets.coverage()) : Json(nullptr);
  if (!refusal.empty()) answer["no_coverage"] = refusal;
}

}  // namespace

nlohmann::ordered_json pattern_json(Pattern pattern, const BundleInfo& info) {
  Json names = Json::array();
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    if (pattern.has(static_cast<int>(m))) names.push_back(info.modalities[m].name);
  }
  return names;
}

nlohmann::ordered_json answer_json(const BundleInfo& info, const Predictions& predictions,
                                   std::int64_t i, const PredictionSets* sets) {
  const auto row = static_cast<std::size_t>(i);
  const auto outputs = predictions.row(i);
  Json answer = Json::object();
  if (info.is_classification()) {
    answer["label"] = info.class_names[static_cast<std::size_t>(predictions.labels[row])];
    answer["probabilities"] = shares_json(info, outputs);
    answer["raw_probabilities"] = shares_json(info, raw_row(predictions, i));
    answer["confidence"] = json_float(predictions.confidence[row]);
  } else if (!info.target_names.empty()) {
    answer.update(targets_json(info, outputs));
  } else {
    answer["value"] = json_float(outputs[0]);
    if (predictions.calibrated[row] != 0) {
      answer["expected_error"] = json_float(predictions.confidence[row]);
    }
  }
  answer["calibrated"] = predictions.calibrated[row] != 0;
  answer["used"] = pattern_json(predictions.used[row], info);
  if (!predictions.suspected.empty()) {
    answer["suspected"] = pattern_json(predictions.suspected[row], info);
  }
  if (sets != nullptr) add_set(info, *sets, predictions, i, answer);
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    const auto limited = predictions.limited[row * info.modalities.size() + m];
    if (limited > 0) answer["limited"][info.modalities[m].name] = limited;
  }
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    const auto& rebuilt = predictions.reconstruction[m];
    if (rebuilt.empty() || predictions.used[row].has(static_cast<int>(m))) continue;
    const auto width = static_cast<std::size_t>(info.modalities[m].width);
    Json values = Json::array();
    for (const float value : rebuilt.subspan(row * width, width))
      values.push_back(json_float(value));
    // Another name: tuned features are not what a client sends.
    answer[info.reads_tuned ? "tuned_reconstruction" : "reconstruction"][info.modalities[m].name] =
        std::move(values);
  }
  return answer;
}

nlohmann::ordered_json model_json(const Recogniser& recogniser) {
  const BundleInfo& info = recogniser.info();
  Json modalities = Json::array();
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    const auto& modality = info.modalities[m];
    modalities.push_back({{"name", modality.name}, {"width", modality.width}});
    if (!info.maker(m).empty()) modalities.back()["maker"] = info.maker(m);
  }
  Json calibrations = Json::array();
  for (const auto& calibration : info.calibrations) {
    Json entry = {{"modalities", pattern_json(calibration.pattern, info)},
                  {"utterances", calibration.utterances},
                  {"expected_error", calibration.expected_error}};
    if (info.is_classification()) entry["temperature"] = calibration.temperature;
    calibrations.push_back(std::move(entry));
  }
  Json coverage = Json::array();
  for (const auto& one : info.coverage) {
    coverage.push_back({{"modalities", pattern_json(one.pattern, info)},
                        {"utterances", one.scores.size()},
                        {"dialogues", dialogues_of(one)}});
  }
  Json scores = Json::array();
  for (const auto& score : info.scores) {
    scores.push_back({{"part", score.part},
                      {"modalities", pattern_json(score.pattern, info)},
                      {"utterances", score.utterances},
                      {"metrics", score.metrics}});
  }
  Json about = {{"format", info.format},
                {"fingerprint", recogniser.fingerprint()},
                {"method", stored_method(info)},
                {"track", info.track},
                {"trained_on", pattern_json(info.trained, info)},
                {"task", info.label_kind},
                {"classes", info.class_names},
                {"targets", info.target_names},
                {"modalities", modalities},
                {"encoder",
                 {{"hidden", info.encoder.hidden},
                  {"depth", info.encoder.depth},
                  {"heads", info.encoder.heads}}},
                {"calibration", calibrations},
                {"coverage", coverage},
                {"scores", scores},
                {"data",
                 {{"name", info.data_name},
                  {"synthetic", info.is_synthetic},
                  {"checksum", info.data_checksum}}},
                {"fold", info.fold},
                {"seed", info.seed},
                {"program_version", info.program_version}};
  if (info.reads_tuned) about["input"] = "tuned";
  if (!is_hardymer(info)) about.erase("encoder");
  return about;
}

}  // namespace hardy
