#include "pipeline/check_run.h"

#include <algorithm>
#include <array>
#include <system_error>

#include <fmt/format.h>

#include "base/checksum.h"
#include "base/checksum_list.h"
#include "base/files.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

/// Files of a run that are not models, without results.json and timings.json.
std::vector<std::string> table_names(const RunFolder& folder) {
  const std::array files = {folder.manifest_file(),    folder.validation_json_file(),
                            folder.results_csv_file(), folder.predictions_file(),
                            folder.hardness_file(),    folder.supports_file(),
                            folder.retrieval_file(),   folder.curves_file()};
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& file : files) {
    if (fs::exists(file, ignored)) names.push_back(file.filename().string());
  }
  return names;
}

std::string listed_name(const RunFolder& folder, const fs::path& model) {
  return folder.models_folder().filename().string() + "/" + model.filename().string();
}

std::vector<std::string> run_files(const RunFolder& folder) {
  auto names = table_names(folder);
  for (const auto& model : folder.models()) names.push_back(listed_name(folder, model));
  return names;
}

}  // namespace

void write_run_checksums(const RunFolder& folder, std::string_view results) {
  write_checksums(folder.path(), run_files(folder),
                  {{folder.results_json_file().filename().string(), std::string(results)}});
}

std::vector<fs::path> verified_models(const RunFolder& folder) {
  auto models = folder.models();
  for (const auto& model : models) verify_model(folder, model);
  return models;
}

void verify_model(const RunFolder& folder, const fs::path& model) {
  verify_listed_file(folder.path(), listed_name(folder, model));
}

nlohmann::ordered_json read_timings(const fs::path& file) {
  using Json = nlohmann::ordered_json;
  const auto refuse = [&](const std::string& reason) {
    throw ArtifactError(fmt::format("{}: damaged: {}", file.string(), reason));
  };
  Json json;
  std::string checksum;
  try {
    json = Json::parse(read_text_file(file));
    // Builds of 0.2.0 before its release wrote none.
    checksum = json.at("started").is_string() ? json.value("sha256", "") : "";
  } catch (const Json::exception& error) {
    refuse(error.what());
  } catch (const DataError& error) {
    throw ArtifactError(error.what());
  }
  json.erase("sha256");
  if (!checksum.empty() && sha256(json.dump()) != checksum) {
    refuse("not what was written (its SHA-256 differs from the one in it)");
  }
  return json;
}

bool writes_checksums(const RunManifest& manifest) {
  return !manifest.program_version.starts_with("0.1.");
}

std::vector<std::string> run_damage(const RunFolder& folder) {
  std::error_code ignored;
  if (!fs::exists(folder.path() / kChecksumFile, ignored)) {
    if (!folder.is_complete() || !writes_checksums(folder.manifest())) return {};
    return {fmt::format("{}: missing", kChecksumFile)};
  }
  auto findings = checksum_findings(folder.path());
  const auto listed = listed_files(folder.path());
  auto expected = run_files(folder);
  expected.push_back(folder.results_json_file().filename().string());
  for (const auto& name : expected) {
    const bool is_listed = std::find(listed.begin(), listed.end(), name) != listed.end();
    if (!listed.empty() && !is_listed) {
      findings.push_back(fmt::format("{}: not among the files of {}", name, kChecksumFile));
    }
  }
  return findings;
}

}  // namespace hardy
