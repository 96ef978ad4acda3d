#include "hardy/bundle.h"

#include <charconv>
#include <cmath>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/checksum.h"
#include "base/wording.h"
#include "hardy/errors.h"
#include "inference/bundle_settings.h"
#include "inference/coverage_arrays.h"

namespace hardy {
namespace {

constexpr const char* kDescription = "hardy.model";
constexpr const char* kConfig = "hardy.config";
constexpr const char* kSeen = "seen";                    // an array
constexpr std::int64_t kMostUnits = 1024;                // depth and heads
constexpr std::int64_t kWidest = std::int64_t{1} << 24;  // any width

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw ArtifactError(fmt::format("{}: {}", name, what));
}

nlohmann::ordered_json encoder_json(const BundleInfo& info) {
  const EncoderConfig& encoder = info.encoder;
  return {{"hidden", encoder.hidden},
          {"depth", encoder.depth},
          {"heads", encoder.heads},
          {"norm", word_of(encoder.norm)},
          {"position", word_of(encoder.position)},
          {"speaker", word_of(encoder.speaker)},
          {"decoder", word_of(encoder.decoder)},
          {"decoder_width", encoder.decoder_width},
          {"mixes_experts", info.mixes_experts}};
}

template <typename Enum>
void set_word(const char* field, const std::string& word, Enum& value) {
  const auto known = value_of_word<Enum>(word);
  if (!known) {
    throw ArtifactError(
        fmt::format("its encoder has {} = '{}', which this program cannot run; use a newer hardy",
                    field, word));
  }
  value = *known;
}

template <typename Enum>
void read_word(const nlohmann::json& json, const char* field, Enum& value) {
  set_word(field, json.at(field).get<std::string>(), value);
}

void read_encoder(const nlohmann::json& json, BundleInfo& info) {
  EncoderConfig& encoder = info.encoder;
  json.at("hidden").get_to(encoder.hidden);
  json.at("depth").get_to(encoder.depth);
  json.at("heads").get_to(encoder.heads);
  read_word(json, "norm", encoder.norm);
  read_word(json, "position", encoder.position);
  read_word(json, "speaker", encoder.speaker);
  read_word(json, "decoder", encoder.decoder);
  json.at("decoder_width").get_to(encoder.decoder_width);
  json.at("mixes_experts").get_to(info.mixes_experts);
}

nlohmann::ordered_json calibration_json(const BundleInfo& info) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& calibration : info.calibrations) {
    nlohmann::ordered_json entry = {
        {"pattern", calibration.pattern.bits()},
        {"condition", pattern_label(calibration.pattern, info.modality_names())},
        {"utterances", calibration.utterances},
        {"expected_error", calibration.expected_error}};
    if (info.is_classification()) entry["temperature"] = calibration.temperature;
    list.push_back(std::move(entry));
  }
  return list;
}

nlohmann::ordered_json score_json(const BundleInfo& info) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& score : info.scores) {
    list.push_back({{"part", score.part},
                    {"pattern", score.pattern.bits()},
                    {"condition", pattern_label(score.pattern, info.modality_names())},
                    {"utterances", score.utterances},
                    {"metrics", score.metrics}});
  }
  return list;
}

Pattern read_pattern(const nlohmann::json& json, const BundleInfo& info) {
  const Pattern pattern(json.at("pattern").get<std::uint32_t>());
  const auto complete = Pattern::complete(static_cast<int>(info.modalities.size()));
  if ((pattern & complete) != pattern || pattern.empty()) {
    throw ArtifactError("a pattern names modalities that the model does not have");
  }
  return pattern;
}

void read_lists(const nlohmann::json& about, BundleInfo& info) {
  for (const auto& entry : about.at("calibration")) {
    Calibration calibration;
    calibration.pattern = read_pattern(entry, info);
    entry.at("utterances").get_to(calibration.utterances);
    entry.at("expected_error").get_to(calibration.expected_error);
    calibration.temperature = entry.value("temperature", 1.0);
    if (!(calibration.temperature > 0) || !std::isfinite(calibration.temperature)) {
      throw ArtifactError("a calibration temperature is not positive");
    }
    info.calibrations.push_back(calibration);
  }
  for (const auto& entry : about.at("scores")) {
    BundleScore score;
    entry.at("part").get_to(score.part);
    score.pattern = read_pattern(entry, info);
    entry.at("utterances").get_to(score.utterances);
    entry.at("metrics").get_to(score.metrics);
    info.scores.push_back(std::move(score));
  }
}

/// The field that format 3 added; 4 added the limits.
void read_input(const nlohmann::json& about, BundleInfo& info) {
  info.limits_features = info.format >= 4;
  const auto input = about.at("input").get<std::string>();
  if (input != "plain" && input != "tuned") {
    throw ArtifactError(fmt::format(
        "it reads input = '{}', which this program cannot run; use a newer hardy", input));
  }
  info.reads_tuned = input == "tuned";
}

/// The fields that format 5 added.
void read_targets(const nlohmann::json& about, BundleInfo& info) {
  about.at("label_kind").get_to(info.label_kind);
  about.at("targets").get_to(info.target_names);
  const bool is_known = info.label_kind == "labels" || info.label_kind == "values";
  if (!is_known || info.target_names.empty() || !info.class_names.empty()) {
    throw ArtifactError(
        fmt::format("its labels are '{}' of {} names, which this program cannot read; use a newer "
                    "hardy",
                    info.label_kind, info.target_names.size()));
  }
}

/// The fields that format 2 added.
void read_new_fields(const nlohmann::json& about, BundleInfo& info) {
  about.at("method").get_to(info.method);
  if (info.method != kHardyMethod) {
    throw ArtifactError(
        fmt::format("it holds a model of the method '{}', which this program cannot run; known is "
                    "{}",
                    info.method, kHardyMethod));
  }
  for (const auto& entry : about.at("modalities")) {
    info.modalities.push_back(
        {entry.at("name").get<std::string>(), entry.at("width").get<std::int64_t>()});
    info.makers.push_back(entry.value("maker", std::string()));
  }
  read_encoder(about.at("encoder"), info);
  if (info.format >= 3) read_input(about, info);
  about.at("program_version").get_to(info.program_version);
  read_lists(about, info);
}

/// The encoder of a model of format 1, described by its settings only.
void read_old_encoder(BundleInfo& info) {
  const std::string table = "recogniser.encoder";
  EncoderConfig& encoder = info.encoder;
  const auto set = [&](const char* key, auto& value) {  // absent settings keep their defaults
    const std::string word = toml_value(info.config_toml, table, key);
    if (!word.empty()) set_word(key, word, value);
  };
  encoder.hidden = stored_integer(info, table, "hidden");
  encoder.depth = stored_integer(info, table, "depth");
  encoder.heads = stored_integer(info, table, "heads");
  encoder.decoder_width = stored_integer(info, table, "decoder_width");
  set("norm", encoder.norm);
  set("position", encoder.position);
  set("speaker", encoder.speaker);
  set("decoder", encoder.decoder);
}

/// What format 1 left to its config and its arrays.
void read_old_fields(const nlohmann::json& about, const TensorFileView& file, BundleInfo& info) {
  for (const auto& modality : about.at("modalities")) {
    const auto word = modality.get<std::string>();
    const auto& shape = file.shape("scaling." + word + ".mean");
    info.modalities.push_back({word, shape.empty() ? 0 : shape[0]});
  }
  read_old_encoder(info);
}

void check_range(const char* field, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high) {
    throw ArtifactError(fmt::format("its {} is {}, outside of {}..{}", field, value, low, high));
  }
}

void check_info(const BundleInfo& info) {
  check_range("number of modalities", static_cast<std::int64_t>(info.modalities.size()), 1,
              kMaxModalities);
  std::set<std::string> names;
  for (const auto& modality : info.modalities) {
    check_range("modality width", modality.width, 1, kWidest);
    if (modality.name.empty() || !names.insert(modality.name).second) {
      throw ArtifactError("its modality names are empty or not unique");
    }
  }
  const EncoderConfig& encoder = info.encoder;
  check_range("encoder.hidden", encoder.hidden, 1, kWidest);
  check_range("encoder.depth", encoder.depth, 0, kMostUnits);
  check_range("encoder.heads", encoder.heads, 1, kMostUnits);
  check_range("encoder.decoder_width", encoder.decoder_width, 1, kWidest);
  if (encoder.hidden % encoder.heads != 0) {
    throw ArtifactError(fmt::format("its encoder.hidden {} is no multiple of its {} heads",
                                    encoder.hidden, encoder.heads));
  }
}

}  // namespace

std::vector<std::string> BundleInfo::modality_names() const {
  std::vector<std::string> names;
  for (const auto& modality : modalities) names.push_back(modality.name);
  return names;
}

int BundleInfo::modality_index(std::string_view name) const {
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    if (modalities[m].name == name) return static_cast<int>(m);
  }
  const auto near = nearest_name(name, modality_names());
  throw ConfigError(fmt::format("unknown modality '{}'; this model knows {}{}", name,
                                fmt::join(modality_names(), ", "),
                                near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

const Calibration* BundleInfo::calibration(Pattern pattern) const {
  for (const auto& calibration : calibrations) {
    if (calibration.pattern == pattern) return &calibration;
  }
  return nullptr;
}

void check_maker(const BundleInfo& info, std::size_t m, const std::string& maker,
                 const std::string& source) {
  const std::string own = info.maker(m);
  if (own.empty() || maker.empty() || own == maker) return;
  throw DataError(
      fmt::format("{}: its {} features were made by '{}', the model was trained on those of '{}'; "
                  "extract them again with that extractor",
                  source, info.modalities[m].name, maker, own));
}

std::int64_t seen_mark(std::string_view what, std::string_view id) {
  const std::string digits = sha256(fmt::format("{} {}", what, id)).substr(0, 16);
  std::uint64_t mark = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), mark, 16);
  return static_cast<std::int64_t>(mark);
}

void set_bundle_info(TensorFile& file, const BundleInfo& info) {
  nlohmann::ordered_json about;
  const bool has_targets = !info.target_names.empty();
  about["format"] = has_targets ? 5 : info.limits_features ? 4 : info.reads_tuned ? 3 : 2;
  about["method"] = info.method;
  about["program_version"] = info.program_version;
  about["track"] = info.track;
  about["trained"] = info.trained.bits();
  about["fold"] = info.fold;
  about["seed"] = info.seed;
  about["modalities"] = nlohmann::ordered_json::array();
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    const auto& modality = info.modalities[m];
    about["modalities"].push_back({{"name", modality.name}, {"width", modality.width}});
    if (!info.maker(m).empty()) about["modalities"].back()["maker"] = info.maker(m);
  }
  about["classes"] = info.class_names;
  if (has_targets) {
    about["label_kind"] = info.label_kind;
    about["targets"] = info.target_names;
  }
  about["encoder"] = encoder_json(info);
  if (info.reads_tuned || info.limits_features) {
    about["input"] = info.reads_tuned ? "tuned" : "plain";
  }
  about["calibration"] = calibration_json(info);
  about["scores"] = score_json(info);
  about["data"] = {
      {"name", info.data_name}, {"checksum", info.data_checksum}, {"synthetic", info.is_synthetic}};
  about["test_dialogues"] = info.test_dialogues;
  file.metadata[kDescription] =
      about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  file.metadata[kConfig] = info.config_toml;
  if (!info.seen.empty()) {
    file.add(kSeen, {static_cast<std::int64_t>(info.seen.size())}, info.seen);
  }
  add_coverage(file, info);
}

BundleInfo read_bundle_info(const TensorFileView& file, const std::string& name) {
  const auto description = file.metadata.find(kDescription);
  const auto config = file.metadata.find(kConfig);
  if (description == file.metadata.end() || config == file.metadata.end()) {
    refuse(name, "a tensor file, but no hardy model; give a file of a run folder's models/");
  }
  BundleInfo info;
  info.config_toml = config->second;
  try {
    const auto about = nlohmann::json::parse(description->second);
    about.at("format").get_to(info.format);
    if (info.format > kBundleFormat) {
      refuse(name, fmt::format("model format {} is newer than the {} this program reads; use a "
                               "newer hardy",
                               info.format, kBundleFormat));
    }
    about.at("track").get_to(info.track);
    info.trained = Pattern(about.at("trained").get<std::uint32_t>());
    about.at("fold").get_to(info.fold);
    about.at("seed").get_to(info.seed);
    about.at("classes").get_to(info.class_names);
    info.label_kind = info.class_names.empty() ? "value" : "class";
    if (info.format >= 5) read_targets(about, info);
    if (file.arrays.contains(kSeen)) {
      const auto seen = file.integers(kSeen);
      info.seen.assign(seen.begin(), seen.end());
    }
    about.at("data").at("name").get_to(info.data_name);
    about.at("data").at("checksum").get_to(info.data_checksum);
    about.at("data").at("synthetic").get_to(info.is_synthetic);
    about.at("test_dialogues").get_to(info.test_dialogues);
    if (info.format >= 2) {
      read_new_fields(about, info);
    } else {
      read_old_fields(about, file, info);
    }
    check_info(info);
    read_coverage(file, info);
  } catch (const nlohmann::json::exception& error) {
    refuse(name, fmt::format("its description is damaged: {}", error.what()));
  } catch (Error& error) {
    const bool names_file = std::string_view(error.what()).starts_with(name);
    if (error.kind() == ErrorKind::kArtifact && !names_file) error.add_context(name);
    throw;
  }
  return info;
}

}  // namespace hardy
