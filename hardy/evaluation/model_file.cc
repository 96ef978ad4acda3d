#include "hardy/evaluation/model_file.h"

#include <torch/types.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hardy/core/errors.h"

namespace hardy {
namespace {

constexpr const char* kDescription = "hardy.model";
constexpr const char* kConfig = "hardy.config";

}  // namespace

void save_model(const std::filesystem::path& file, const TensorFile& fit, const FoldData& data,
                const Config& config, const ModelDescription& description) {
  TensorFile contents;
  for (const auto& [name, array] : fit.arrays) {
    if (name.starts_with("model.")) contents.arrays.emplace(name, array);
  }
  for (std::size_t m = 0; m < data.scaling.mean.size(); ++m) {
    const auto prefix = "scaling." + data.corpus->modalities[m].name;
    const auto width = data.scaling.mean[m].size(0);
    contents.add(prefix + ".mean", {width}, to_floats(data.scaling.mean[m]));
    contents.add(prefix + ".deviation", {width}, to_floats(data.scaling.deviation[m]));
  }
  nlohmann::ordered_json about;
  about["format"] = kModelFormat;
  about["track"] = description.track;
  about["trained"] = description.trained.bits();
  about["fold"] = data.fold.index;
  about["seed"] = description.seed;
  about["modalities"] = data.corpus->modality_names();
  about["classes"] = data.corpus->class_names;
  about["data"] = {{"name", data.corpus->name},
                   {"checksum", data.corpus->checksum},
                   {"synthetic", data.corpus->is_synthetic}};
  about["test_dialogues"] = data.fold.test;
  contents.metadata[kDescription] = about.dump();
  Config stored = config;
  stored.run.jobs = 0;  // how it was computed, not what: equal runs write equal models
  contents.metadata[kConfig] = config_toml(stored);
  save_tensor_file(file, contents);
}

StoredModel load_model(const std::filesystem::path& file) {
  StoredModel model;
  model.file = load_tensor_file(file);
  const auto& metadata = model.file.metadata;
  if (!metadata.contains(kDescription) || !metadata.contains(kConfig)) {
    throw ArtifactError(
        fmt::format("{}: a tensor file, but no hardy model; give a file of a run folder's models/",
                    file.string()));
  }
  try {
    const auto about = nlohmann::json::parse(metadata.at(kDescription));
    if (about.at("format").get<int>() > kModelFormat) {
      throw ArtifactError(
          fmt::format("{}: model format {} is newer than the {} this program reads; "
                      "use a newer hardy",
                      file.string(), about.at("format").get<int>(), kModelFormat));
    }
    model.track = about.at("track").get<std::string>();
    model.trained = Pattern(about.at("trained").get<std::uint32_t>());
    model.fold = about.at("fold").get<int>();
    model.seed = about.at("seed").get<std::int64_t>();
    model.modality_names = about.at("modalities").get<std::vector<std::string>>();
    model.class_names = about.at("classes").get<std::vector<std::string>>();
    model.data_checksum = about.at("data").at("checksum").get<std::string>();
    model.test_dialogues = about.at("test_dialogues").get<std::vector<std::int64_t>>();
    model.config = parse_config(metadata.at(kConfig), file.string(), Config{});
  } catch (const nlohmann::json::exception& error) {
    throw ArtifactError(
        fmt::format("{}: its description is damaged: {}", file.string(), error.what()));
  }
  return model;
}

}  // namespace hardy
