#include "inference/request.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/nearest_name.h"

namespace hardy {
namespace {

using Json = nlohmann::json;
using Kind = RequestError::Kind;

constexpr std::size_t kMostLetters = 256;  // of an id, a dialogue or a speaker

static_assert(std::endian::native == std::endian::little, "base64 features are little-endian");

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::string text_field(const Json& value, const std::string& field) {
  if (value.is_null()) return {};
  if (!value.is_string()) {
    throw RequestError(Kind::kMalformed, field,
                       fmt::format("is {}, expected a text", value.type_name()));
  }
  auto text = value.get<std::string>();
  if (text.size() > kMostLetters) {
    throw RequestError(Kind::kUnusable, field,
                       fmt::format("has {} bytes, at most {} are read", text.size(), kMostLetters));
  }
  return text;
}

std::vector<float> read_base64(const Json& object, const std::string& field) {
  const auto text = object.find("base64");
  if (object.size() != 1 || text == object.end() || !text->is_string()) {
    throw RequestError(Kind::kMalformed, field,
                       "is an object, expected a list of numbers or {\"base64\": \"...\"}");
  }
  std::vector<std::uint8_t> bytes;
  if (!decode_base64(text->get_ref<const std::string&>(), bytes)) {
    throw RequestError(Kind::kMalformed, field + ".base64", "is not base64 (RFC 4648, padded)");
  }
  if (bytes.size() % sizeof(float) != 0) {
    throw RequestError(Kind::kMalformed, field + ".base64",
                       fmt::format("holds {} bytes, which is no number of float32", bytes.size()));
  }
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

std::vector<float> read_numbers(const Json& list, const std::string& field) {
  if (list.is_object()) return read_base64(list, field);
  if (!list.is_array()) {
    throw RequestError(Kind::kMalformed, field,
                       fmt::format("is {}, expected a list of numbers", list.type_name()));
  }
  std::vector<float> values;
  values.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& number = list[i];
    if (!number.is_number()) {
      throw RequestError(Kind::kMalformed, fmt::format("{}[{}]", field, i),
                         fmt::format("is {}, expected a number", number.type_name()));
    }
    values.push_back(number.get<float>());
  }
  return values;
}

void read_features(const Json& features, const std::string& field, const BundleInfo& info,
                   UtteranceRequest& request) {
  if (!features.is_object()) {
    throw RequestError(
        Kind::kMalformed, field,
        fmt::format("is {}, expected an object of modalities", features.type_name()));
  }
  for (const auto& [name, list] : features.items()) {
    const std::string place = joined(field, name);
    int m = 0;
    try {
      m = info.modality_index(name);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kConfig) throw;
      throw RequestError(Kind::kUnusable, place, error.what());
    }
    if (list.is_null()) continue;
    auto values = read_numbers(list, place);
    const auto width = info.modalities[static_cast<std::size_t>(m)].width;
    if (static_cast<std::int64_t>(values.size()) != width) {
      throw RequestError(
          Kind::kUnusable, place,
          fmt::format("has {} values, the model reads {}; use the extractor it was trained with",
                      values.size(), width));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      throw RequestError(Kind::kUnusable, fmt::format("{}[{}]", place, i),
                         "is NaN, infinite or too large for float32; leave the modality out if it "
                         "is missing");
    }
    request.features.emplace_back(name, std::move(values));
  }
  if (request.features.empty()) {
    throw RequestError(Kind::kUnusable, field,
                       fmt::format("names no modality; give at least one of {}",
                                   fmt::join(info.modality_names(), ", ")));
  }
}

}  // namespace

RequestError::RequestError(Kind kind, std::string field, std::string reason)
    : Error(ErrorKind::kData, field.empty() ? reason : field + ": " + reason),
      kind_(kind),
      field_(std::move(field)),
      reason_(std::move(reason)) {}

void UtteranceRequest::add_to(DialogueInput& input) const {
  std::vector<NamedFeatures> named;
  for (const auto& [name, values] : features) named.emplace_back(name, values);
  input.add(named, speaker);
}

nlohmann::json parse_request(std::string_view text) {
  if (text.empty()) {
    throw RequestError(Kind::kMalformed, "",
                       "is empty, expected an object such as {\"features\": {..}}");
  }
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    std::string reason = fmt::format("is not JSON at byte {}", error.byte);
    if (text.find("NaN") != text.npos || text.find("Infinity") != text.npos) {
      reason += "; NaN and Infinity are not JSON: leave a missing modality out";
    }
    throw RequestError(Kind::kMalformed, "", reason);
  } catch (const Json::out_of_range&) {
    throw RequestError(Kind::kMalformed, "", "holds a number beyond what a double can");
  }
}

UtteranceRequest read_utterance(const nlohmann::json& json, const std::string& path,
                                const BundleInfo& info) {
  if (!json.is_object()) {
    throw RequestError(
        Kind::kMalformed, path,
        fmt::format("is {}, expected an object with \"features\"", json.type_name()));
  }
  static const std::vector<std::string> kFields = {"id", "dialogue", "speaker", "end", "features"};
  UtteranceRequest request;
  for (const auto& [name, value] : json.items()) {
    const auto field = joined(path, name);
    if (name == "id") {
      request.id = text_field(value, field);
    } else if (name == "dialogue") {
      request.dialogue = text_field(value, field);
    } else if (name == "speaker") {
      request.speaker = text_field(value, field);
    } else if (name == "end") {
      if (!value.is_boolean()) throw RequestError(Kind::kMalformed, field, "is not true or false");
      request.ends_dialogue = value.get<bool>();
    } else if (name == "features") {
      read_features(value, field, info, request);
    } else {
      const auto near = nearest_name(name, kFields);
      throw RequestError(
          Kind::kMalformed, field,
          fmt::format("is an unknown field; known are {}{}", fmt::join(kFields, ", "),
                      near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }
  }
  if (request.features.empty()) {
    throw RequestError(Kind::kMalformed, joined(path, "features"), "is missing");
  }
  return request;
}

bool decode_base64(std::string_view text, std::vector<std::uint8_t>& bytes) {
  static const auto kValues = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    const std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < letters.size(); ++i) {
      values[static_cast<unsigned char>(letters[i])] = static_cast<std::int8_t>(i);
    }
    return values;
  }();
  bytes.clear();
  if (text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const bool is_padding = i + j >= text.size() - padding;
      const int value = is_padding ? 0 : kValues[static_cast<unsigned char>(text[i + j])];
      if (value < 0) return false;
      group = group << 6 | static_cast<std::uint32_t>(value);
    }
    for (int shift = 16; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<std::uint8_t>(group >> shift & 0xFF));
    }
  }
  // Bits that padding cuts off must be zero, or two texts would mean the same bytes.
  for (std::size_t i = 0; i < padding; ++i) {
    if (bytes.back() != 0) return false;
    bytes.pop_back();
  }
  return true;
}

}  // namespace hardy
