#include "hardy/results.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hardy/errors.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMetadata = "outcome";

std::string array_name(const char* part, std::size_t index, const char* what) {
  return fmt::format("{}.{}.{}", part, index, what);
}

/// The bits of a pattern, or bits and the text of masks.
Json json_of(const Condition& condition) {
  if (condition.is_pattern()) return condition.pattern.bits();
  return Json::array({condition.pattern.bits(), condition.missing});
}

Condition condition_of(const Json& json) {
  if (!json.is_array()) return Pattern(json.get<std::uint32_t>());
  Condition condition = Pattern(json.at(0).get<std::uint32_t>());
  json.at(1).get_to(condition.missing);
  return condition;
}

/// Adds the arrays of one part ("test") and returns their conditions.
Json add_evaluations(TensorFile& file, const char* part, const std::vector<Evaluation>& list) {
  Json conditions = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Evaluation& evaluation = list[i];
    const auto rows = static_cast<std::int64_t>(evaluation.utterances.size());
    const auto values = static_cast<std::int64_t>(evaluation.outputs.size());
    check(rows > 0 && values % rows == 0, "an evaluation's outputs do not fit its utterances");
    conditions.push_back(json_of(evaluation.condition));
    file.add(array_name(part, i, "utterances"), {rows}, evaluation.utterances);
    file.add(array_name(part, i, "outputs"), {rows, values / rows}, evaluation.outputs);
  }
  return conditions;
}

std::vector<Evaluation> evaluations_of(const TensorFile& file, const char* part,
                                       const Json& conditions) {
  std::vector<Evaluation> list;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const auto utterances = file.integers(array_name(part, i, "utterances"));
    const auto outputs = file.floats(array_name(part, i, "outputs"));
    if (utterances.empty() || outputs.empty() || outputs.size() % utterances.size() != 0) {
      throw ArtifactError(
          fmt::format("{} outputs of {} utterances do not fit", outputs.size(), utterances.size()));
    }
    list.push_back({condition_of(conditions[i]),
                    {utterances.begin(), utterances.end()},
                    {outputs.begin(), outputs.end()}});
  }
  return list;
}

}  // namespace

TensorFile to_tensor_file(const FitOutcome& outcome) {
  TensorFile file;
  Json curve = Json::array();
  for (const auto& point : outcome.curve) {
    curve.push_back({point.stage, point.epoch, point.name, point.value});
  }
  const Json json = {{"track", outcome.track},
                     {"trained", json_of(outcome.trained)},
                     {"fold", outcome.fold},
                     {"seed", outcome.seed},
                     {"train_cpu_s", outcome.train_cpu_s},
                     {"test", add_evaluations(file, "test", outcome.test)},
                     {"validation", add_evaluations(file, "validation", outcome.validation)},
                     {"curve", curve}};
  file.metadata[kMetadata] = json.dump();
  return file;
}

FitOutcome fit_outcome_of(const TensorFile& file) {
  try {
    const Json json = Json::parse(file.text(kMetadata));
    FitOutcome outcome;
    json.at("track").get_to(outcome.track);
    outcome.trained = condition_of(json.at("trained"));
    json.at("fold").get_to(outcome.fold);
    json.at("seed").get_to(outcome.seed);
    json.at("train_cpu_s").get_to(outcome.train_cpu_s);
    outcome.test = evaluations_of(file, "test", json.at("test"));
    outcome.validation = evaluations_of(file, "validation", json.at("validation"));
    for (const Json& point : json.at("curve")) {
      const Json& value = point.at(3);
      outcome.curve.push_back(
          {point.at(0).get<std::string>(), point.at(1).get<std::int64_t>(),
           point.at(2).get<std::string>(),
           value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>()});
    }
    return outcome;
  } catch (const Json::exception& error) {
    throw ArtifactError(fmt::format("not the outcome of a fit: {}", error.what()));
  }
}

}  // namespace hardy
