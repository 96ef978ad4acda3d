#include "serve/body.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest_name.h"

namespace hardy {
namespace {

using Json = nlohmann::json;
using Kind = RequestError::Kind;

constexpr std::int64_t kMostSimilar = 100;

Pattern read_available(const Json& list, const BundleInfo& info) {
  if (!list.is_array()) {
    throw RequestError(Kind::kMalformed, "available", "is not a list of modality names");
  }
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto field = fmt::format("available[{}]", i);
    if (!list[i].is_string()) throw RequestError(Kind::kMalformed, field, "is not a text");
    try {
      bits |= 1U << info.modality_index(list[i].get_ref<const std::string&>());
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kConfig) throw;
      throw RequestError(Kind::kUnusable, field, error.what());
    }
  }
  if (bits == 0) throw RequestError(Kind::kUnusable, "available", "names no modality");
  return Pattern(bits);
}

std::int64_t read_count(const Json& value, const std::string& field, std::int64_t most) {
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

void read_utterances(const Json& list, const BundleInfo& info, std::int64_t max_utterances,
                     PredictBody& body) {
  if (!list.is_array()) {
    throw RequestError(Kind::kMalformed, "utterances", "is not a list of utterances");
  }
  if (list.empty()) throw RequestError(Kind::kUnusable, "utterances", "is empty");
  if (static_cast<std::int64_t>(list.size()) > max_utterances) {
    throw TooLargeError("utterances", fmt::format("holds {} utterances, at most {} are taken; send "
                                                  "them in several requests",
                                                  list.size(), max_utterances));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto utterance = read_utterance(list[i], fmt::format("utterances[{}]", i), info);
    const bool goes_on = i > 0 && !utterance.dialogue.empty() &&
                         utterance.dialogue == body.utterances.back().dialogue &&
                         !body.utterances.back().ends_dialogue;
    if (i > 0 && !goes_on) body.offsets.push_back(static_cast<std::int64_t>(i));
    body.utterances.push_back(std::move(utterance));
  }
  body.offsets.push_back(static_cast<std::int64_t>(list.size()));
}

/// Reads one field beside the utterances; false when it is none.
bool read_option(const std::string& name, const Json& value, const BundleInfo& info, BodyKind kind,
                 PredictBody& body) {
  const bool explains = kind == BodyKind::kExplain;
  if (name == "available") {
    body.options.available = read_available(value, info);
  } else if (name == "reconstruct" && !explains) {
    if (!value.is_boolean()) throw RequestError(Kind::kMalformed, name, "is not true or false");
    body.options.reconstructs = value.get<bool>();
  } else if (name == "utterance" && explains) {
    body.utterance = read_count(value, name, std::int64_t{1} << 32);
  } else if (name == "similar" && explains) {
    body.similar = read_count(value, name, kMostSimilar);
  } else if (name == "corpus_dialogue" && explains) {
    if (!value.is_string()) throw RequestError(Kind::kMalformed, name, "is not a text");
    body.corpus_dialogue = value.get<std::string>();
  } else {
    return false;
  }
  return true;
}

/// Every utterance must keep something when only `available` modalities are used.
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

PredictBody read_predict_body(std::string_view text, const BundleInfo& info,
                              std::int64_t max_utterances, BodyKind kind) {
  Json json = parse_request(text);
  if (!json.is_object()) {
    throw RequestError(Kind::kMalformed, "", "the body is not a JSON object");
  }
  PredictBody body;
  Json single = Json::object();
  std::vector<std::string> unknown;
  bool has_list = false;
  for (auto& [name, value] : json.items()) {
    if (name == "utterances") {
      has_list = true;
      read_utterances(value, info, max_utterances, body);
    } else if (!read_option(name, value, info, kind, body)) {
      unknown.push_back(name);
      single[name] = std::move(value);
    }
  }
  if (has_list || !body.corpus_dialogue.empty()) {
    if (!unknown.empty()) {
      const auto near = nearest_name(unknown[0], {"utterances", "available", "reconstruct",
                                                  "utterance", "similar", "corpus_dialogue"});
      throw RequestError(Kind::kMalformed, unknown[0],
                         "is an unknown field of a request with a list of utterances" +
                             (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    if (has_list && !body.corpus_dialogue.empty()) {
      throw RequestError(Kind::kUnusable, "corpus_dialogue", "does not go with utterances");
    }
  } else {
    body.is_single = true;
    body.utterances.push_back(read_utterance(single, "", info));
    body.offsets.push_back(1);
  }
  if (kind == BodyKind::kPredict) check_available(body, info);
  return body;
}

}  // namespace hardy
