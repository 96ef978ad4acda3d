// Explanations as JSON.
#include "inference/explanation_json.h"

#include "base/json_number.h"
#include "inference/request.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

Json outcome_json(const PatternOutcome& outcome, const BundleInfo& info) {
  Json json = {{"modalities", pattern_json(outcome.pattern, info)}};
  if (info.is_classification()) {
    json["label"] = info.class_names[static_cast<std::size_t>(outcome.label)];
    for (std::size_t c = 0; c < outcome.outputs.size(); ++c) {
      json["probabilities"][info.class_names[c]] = json_float(outcome.outputs[c]);
      json["raw_probabilities"][info.class_names[c]] = json_float(outcome.raw_outputs[c]);
    }
    json["confidence"] = json_float(outcome.confidence);
  } else {
    json["value"] = json_float(outcome.outputs[0]);
    if (outcome.is_calibrated) json["expected_error"] = json_float(outcome.confidence);
  }
  json["calibrated"] = outcome.is_calibrated;
  return json;
}

Json hardness_json(const std::optional<HardnessParts>& hardness) {
  if (!hardness) return nullptr;
  return {
      {"score", hardness->score}, {"direct", hardness->direct}, {"indirect", hardness->indirect}};
}

Json similar_json(const Explanation& explanation, const BundleInfo& info) {
  Json list = Json::array();
  for (const auto& similar : explanation.similar) {
    Json entry = {{"id", similar.id}, {"dialogue", similar.dialogue}};
    if (info.is_classification()) {
      const auto label = static_cast<std::size_t>(similar.label);
      entry["label"] = label < info.class_names.size() ? info.class_names[label] : "";
    } else {
      entry["label"] = similar.label;
    }
    entry["transcript"] = similar.transcript;
    entry["distance"] = similar.distance;
    entry["hardness"] = hardness_json(similar.hardness);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

nlohmann::ordered_json explanation_json(const Explanation& explanation, const BundleInfo& info) {
  Json json = {{"utterance", explanation.utterance},
               {"used", pattern_json(explanation.used, info)},
               {"prediction", outcome_json(explanation.outcome, info)}};
  json["contributions"] = Json::object();
  for (std::size_t m = 0; m < explanation.contributions.size(); ++m) {
    if (!explanation.used.has(static_cast<int>(m))) continue;
    json["contributions"][info.modalities[m].name] = explanation.contributions[m];
  }
  json["baseline"] = explanation.baseline;
  json["patterns"] = Json::array();
  for (const auto& outcome : explanation.patterns) {
    json["patterns"].push_back(outcome_json(outcome, info));
  }
  json["training_utterance"] = explanation.is_training_utterance;
  json["hardness"] = hardness_json(explanation.hardness);
  if (explanation.hardness) {
    json["hardness"]["source"] =
        explanation.is_training_utterance ? "measured in training" : "mean of similar utterances";
  }
  json["similar"] = similar_json(explanation, info);
  json["attention"] = Json::object();
  for (const auto& attention : explanation.attention) {
    const auto& name = info.modalities[static_cast<std::size_t>(attention.modality)].name;
    json["attention"][name] = {{"turns", attention.turns}, {"weights", attention.weights}};
  }
  return json;
}

}  // namespace hardy
