#include "serve/media_form.h"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "hardy/recogniser.h"
#include "inference/request.h"
#include "serve/body.h"

namespace hardy {
namespace {

using Kind = RequestError::Kind;

constexpr std::size_t kLargestTranscript = std::size_t{4} << 20;
constexpr std::size_t kLargestOptions = 4096;

/// The options as JSON in which no name occurs twice.
nlohmann::json parse_options(std::string_view text) {
  if (text.size() > kLargestOptions) {
    throw TooLargeError("options", fmt::format("is larger than {} bytes", kLargestOptions));
  }
  std::set<std::string> names;
  const auto check_name = [&](int depth, nlohmann::json::parse_event_t event,
                              nlohmann::json& value) {
    const bool is_name = event == nlohmann::json::parse_event_t::key && depth == 1;
    if (is_name && !names.insert(value.get<std::string>()).second) {
      throw RequestError(Kind::kMalformed, "options." + shown(value.get<std::string>()),
                         "is given twice");
    }
    return true;
  };
  try {
    auto options = nlohmann::json::parse(text.begin(), text.end(), check_name);
    if (options.is_object()) return options;
  } catch (const nlohmann::json::exception&) {
  }
  throw RequestError(Kind::kMalformed, "options", "is not a JSON object");
}

void read_options(std::string_view text, const BundleInfo& info, MediaForm& form) {
  const auto options = parse_options(text);
  for (const auto& [name, value] : options.items()) {
    const std::string field = "options." + shown(name);
    const bool is_text = name == "cut" || name == "tier";
    if (is_text && !value.is_string()) throw RequestError(Kind::kMalformed, field, "is not a text");
    if (name == "available") {
      form.available = read_available(value, info);
    } else if (name == "cut") {
      value.get_to(form.cut);
      if (form.cut != "auto" && form.cut != "pauses" && form.cut != "whole") {
        throw RequestError(Kind::kUnusable, field, "is none of auto, pauses, whole");
      }
    } else if (name == "tier") {
      value.get_to(form.tier);
    } else if (name == "features") {
      if (!value.is_boolean()) throw RequestError(Kind::kMalformed, field, "is not true or false");
      value.get_to(form.returns_features);
    } else {
      throw RequestError(Kind::kMalformed, field,
                         "is unknown; there are available, cut, tier and features");
    }
  }
}

}  // namespace

MediaForm read_media_form(std::string_view body, std::string_view boundary,
                          const BundleInfo& info) {
  MediaForm form;
  form.available = PredictOptions{}.available;
  bool has_recording = false;
  for (auto& part : read_form(body, boundary)) {
    if (part.name == "recording") {
      form.recording = std::move(part);
      has_recording = true;
    } else if (part.name == "transcript") {
      form.transcript = std::move(part);
    } else if (part.name == "options") {
      read_options(part.contents, info, form);
    } else {
      throw RequestError(Kind::kMalformed, shown(part.name),
                         "is an unknown part; there are recording, transcript and options");
    }
  }
  if (!has_recording) throw RequestError(Kind::kMalformed, "recording", "is missing");
  if (form.recording.contents.empty()) {
    throw RequestError(Kind::kUnusable, "recording", "is empty");
  }
  if (form.transcript.contents.size() > kLargestTranscript) {
    throw TooLargeError("transcript", fmt::format("is larger than {} bytes", kLargestTranscript));
  }
  if (form.recording.file_name.empty()) form.recording.file_name = "recording";
  if (form.transcript.file_name.empty()) form.transcript.file_name = "transcript.txt";
  return form;
}

}  // namespace hardy
