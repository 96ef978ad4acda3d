#include "pipeline/manifest.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "config/foreign_method.h"
#include "hardy/errors.h"
#include "hardy/version.h"

namespace hardy {
namespace {

using Json = nlohmann::ordered_json;

RunManifest manifest_of(const Json& json, const std::string& name) {
  RunManifest manifest;
  json.at("program_version").get_to(manifest.program_version);
  json.at("command").get_to(manifest.command);
  if (json.contains("only_fold")) manifest.only_fold = json.at("only_fold").get<int>();
  const auto config = json.at("config").get<std::string>();
  if (json.contains("method")) {
    declare_foreign_method(json.at("method").get<std::string>(), config);
  }
  manifest.config = parse_config(config, name + " (config)", Config{});
  const Json& data = json.at("data");
  data.at("name").get_to(manifest.data_name);
  data.at("checksum").get_to(manifest.data_checksum);
  data.at("is_synthetic").get_to(manifest.is_synthetic);
  data.at("utterances").get_to(manifest.utterances);
  data.at("dialogues").get_to(manifest.dialogues);
  data.at("classes").get_to(manifest.class_names);
  for (const Json& modality : data.at("modalities")) {
    manifest.modality_names.push_back(modality.at("name").get<std::string>());
    manifest.widths.push_back(modality.at("width").get<std::int64_t>());
  }
  json.at("folds").get_to(manifest.folds);
  if (json.contains("numerics")) json.at("numerics").get_to(manifest.numerics);
  return manifest;
}

}  // namespace

RunManifest make_manifest(const std::string& command, const Config& config, const Corpus& corpus,
                          std::vector<std::string> folds) {
  RunManifest manifest;
  manifest.program_version = program_version();
  manifest.command = command;
  manifest.config = config;
  manifest.data_name = corpus.name;
  manifest.data_checksum = corpus.checksum;
  manifest.is_synthetic = corpus.is_synthetic;
  manifest.utterances = corpus.size();
  manifest.dialogues = static_cast<std::int64_t>(corpus.dialogues.size());
  manifest.class_names = corpus.class_names;
  manifest.modality_names = corpus.modality_names();
  for (const auto& modality : corpus.modalities) manifest.widths.push_back(modality.width);
  manifest.folds = std::move(folds);
  return manifest;
}

Config kept_config(const Config& config) {
  Config kept = config;
  kept.run.jobs = 0;
  kept.data.path.clear();
  kept.data.labels.clear();
  return kept;
}

std::string manifest_json(const RunManifest& manifest) {
  const Config config = kept_config(manifest.config);
  Json modalities = Json::array();
  for (std::size_t m = 0; m < manifest.modality_names.size(); ++m) {
    modalities.push_back({{"name", manifest.modality_names[m]}, {"width", manifest.widths[m]}});
  }
  Json json = {{"format", RunManifest::kFormat},
               {"program_version", manifest.program_version},
               {"command", manifest.command},
               {"method", config.protocol.method}};
  if (manifest.only_fold) json["only_fold"] = *manifest.only_fold;
  json["data"] = {{"name", manifest.data_name},
                  {"checksum", manifest.data_checksum},
                  {"is_synthetic", manifest.is_synthetic},
                  {"utterances", manifest.utterances},
                  {"dialogues", manifest.dialogues},
                  {"classes", manifest.class_names},
                  {"modalities", modalities}};
  json["folds"] = manifest.folds;
  json["seeds"] = config.run.seeds;
  if (!manifest.numerics.empty()) json["numerics"] = manifest.numerics;
  json["config"] = config_toml(config);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

RunManifest parse_manifest(const std::string& json_text, const std::string& name) {
  const auto damaged = [&](const char* reason) {
    return ArtifactError(
        fmt::format("{}: not a manifest that hardy wrote, or damaged: {}; restore it, or start "
                    "afresh in another "
                    "folder or with --overwrite",
                    name, reason));
  };
  try {
    const Json json = Json::parse(json_text);
    const int format = json.at("format").get<int>();
    if (format != RunManifest::kFormat) {
      throw ArtifactError(fmt::format(
          "{}: format {} is not supported, this is hardy {} which knows format {}; use the version "
          "that wrote the folder",
          name, format, program_version(), RunManifest::kFormat));
    }
    return manifest_of(json, name);
  } catch (const Json::exception& error) {
    throw damaged(error.what());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kConfig) throw;
    throw damaged(error.what());
  }
}

std::optional<std::string> manifest_difference(const RunManifest& held, const RunManifest& asked) {
  const auto differ = [](const std::string& what, const std::string& there,
                         const std::string& now) {
    return fmt::format("{} is {} there and {} now", what, there, now);
  };
  const auto fold_text = [](const RunManifest& manifest) {
    return manifest.only_fold ? std::to_string(*manifest.only_fold) : std::string("not limited");
  };
  if (held.program_version != asked.program_version) {
    return differ("the program's version", held.program_version, asked.program_version);
  }
  if (held.command != asked.command) return differ("the command", held.command, asked.command);
  if (held.only_fold != asked.only_fold) {
    return differ("the fold", fold_text(held), fold_text(asked));
  }
  if (held.data_checksum != asked.data_checksum) {
    return differ("the checksum of the data",
                  fmt::format("{} ({})", held.data_checksum.substr(0, 12), held.data_name),
                  fmt::format("{} ({})", asked.data_checksum.substr(0, 12), asked.data_name));
  }
  if (!held.numerics.empty() && !asked.numerics.empty() && held.numerics != asked.numerics) {
    return differ("what computes (--isa may pin it)", held.numerics, asked.numerics);
  }
  if (held.config.protocol.method != asked.config.protocol.method) {
    return differ("the method", held.config.protocol.method, asked.config.protocol.method);
  }
  const auto there = config_values(held.config);
  const auto now = config_values(asked.config);
  for (std::size_t i = 0; i < there.size(); ++i) {
    const std::string& key = there[i].first;
    if (key == "run.jobs" || key == "data.path" || key == "data.labels") continue;
    if (there[i].second != now[i].second) return differ(key, there[i].second, now[i].second);
  }
  return std::nullopt;
}

}  // namespace hardy
