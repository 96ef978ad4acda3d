#include "serve/body.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/utf8.h"
#include "inference/request_reader.h"

namespace hardy {
namespace {

using Kind = RequestError::Kind;

constexpr std::int64_t kMostSimilar = 100;

std::int64_t read_count(const nlohmann::json& value, const std::string& field, std::int64_t most) {
  if (!value.is_number_integer()) {
    throw RequestError(Kind::kMalformed, field, "is not a whole number");
  }
  const auto number = value.is_number_unsigned() && value.get<std::uint64_t>() > (1ULL << 62)
                          ? most + 1
                          : value.get<std::int64_t>();
  if (number < 0 || number > most) {
    throw RequestError(Kind::kUnusable, field, fmt::format("is not in 0..{}", most));
  }
  return number;
}

/// Consecutive utterances of a dialogue form one dialogue until one of them ends it.
void take_utterances(std::vector<UtteranceRequest> list, PredictBody& body) {
  bool goes_on = false;
  for (auto& utterance : list) {
    goes_on = goes_on && !utterance.dialogue.empty() &&
              utterance.dialogue == body.utterances.back().dialogue;
    if (utterance.only_ends()) {
      goes_on = false;
      continue;
    }
    if (!goes_on && !body.utterances.empty()) {
      body.offsets.push_back(static_cast<std::int64_t>(body.utterances.size()));
    }
    goes_on = !utterance.ends_dialogue;
    body.utterances.push_back(std::move(utterance));
  }
  if (body.utterances.empty()) {
    throw RequestError(Kind::kUnusable, "utterances", "holds nothing to predict");
  }
  body.offsets.push_back(static_cast<std::int64_t>(body.utterances.size()));
}

PredictionSets read_sets(double coverage, const BundleInfo& info) {
  try {
    return {info, coverage};
  } catch (const Error& error) {
    throw RequestError(Kind::kUnusable, "coverage", error.what());
  }
}

/// Reads one field beside the utterances.
void read_option(const std::string& name, const nlohmann::json& value, const BundleInfo& info,
                 PredictBody& body) {
  if (name == "available") {
    body.options.available = read_available(value, info);
  } else if (name == "reconstruct") {
    if (!value.is_boolean()) throw RequestError(Kind::kMalformed, name, "is not true or false");
    body.options.reconstructs = value.get<bool>();
  } else if (name == "coverage") {
    if (!value.is_number()) throw RequestError(Kind::kMalformed, name, "is not a number");
    body.sets = read_sets(value.get<double>(), info);
  } else if (name == "utterance") {
    if (value.is_string()) {
      value.get_to(body.utterance_id);
      if (body.utterance_id.empty()) throw RequestError(Kind::kUnusable, name, "is an empty id");
    } else {
      body.utterance = read_count(value, name, std::int64_t{1} << 32);
    }
  } else if (name == "similar") {
    body.similar = read_count(value, name, kMostSimilar);
  } else {
    if (!value.is_string()) throw RequestError(Kind::kMalformed, name, "is not a text");
    value.get_to(body.corpus_dialogue);
  }
}

/// Every utterance must have a modality among the `available` ones.
void check_available(const PredictBody& body, const BundleInfo& info) {
  for (std::size_t i = 0; i < body.utterances.size(); ++i) {
    const auto& features = body.utterances[i].features;
    const bool has_some = std::any_of(features.begin(), features.end(), [&](const auto& each) {
      return body.options.available.has(info.modality_index(each.first));
    });
    if (has_some) continue;
    throw RequestError(Kind::kUnusable, "available",
                       fmt::format("leaves nothing of utterance {}", i));
  }
}

}  // namespace

Pattern read_available(const nlohmann::json& list, const BundleInfo& info) {
  if (!list.is_array()) {
    throw RequestError(Kind::kMalformed, "available", "is not a list of modality names");
  }
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto field = fmt::format("available[{}]", i);
    if (!list[i].is_string()) throw RequestError(Kind::kMalformed, field, "is not a text");
    try {
      bits |= 1U << info.modality_index(shown(list[i].get_ref<const std::string&>()));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kConfig) throw;
      throw RequestError(Kind::kUnusable, field, error.what());
    }
  }
  if (bits == 0) throw RequestError(Kind::kUnusable, "available", "names no modality");
  return Pattern(bits);
}

PredictBody read_predict_body(std::string_view text, const BundleInfo& info,
                              std::int64_t max_utterances, BodyKind kind) {
  const bool explains = kind == BodyKind::kExplain;
  const RequestGrammar grammar = {
      max_utterances,
      explains ? std::vector<std::string>{"available", "utterance", "similar", "corpus_dialogue"}
               : std::vector<std::string>{"available", "reconstruct", "coverage"}};
  ReadRequest request = read_request(text, "", info, grammar);
  PredictBody body;
  for (const auto& [name, value] : request.options) read_option(name, value, info, body);
  if (request.has_list || !body.corpus_dialogue.empty()) {
    if (!request.first_field.empty()) {
      throw RequestError(Kind::kMalformed, request.first_field,
                         "is a field of an utterance; it does not go with utterances or "
                         "corpus_dialogue");
    }
    if (request.has_list && !body.corpus_dialogue.empty()) {
      throw RequestError(Kind::kUnusable, "corpus_dialogue", "does not go with utterances");
    }
    if (request.has_list) take_utterances(std::move(request.utterances), body);
  } else if (request.utterances.empty() || request.utterances.front().only_ends()) {
    throw RequestError(Kind::kMalformed, "features", "is missing");
  } else {
    body.is_single = true;
    body.utterances = std::move(request.utterances);
    body.offsets.push_back(1);
  }
  if (kind == BodyKind::kPredict) check_available(body, info);
  return body;
}

}  // namespace hardy
