// The manifest of a run folder: program, settings and data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"

namespace hardy {

/// The manifest of a run folder (docs/run_folder.md). Contains no times, so that equal runs have
/// equal manifests.
struct RunManifest {
  /// Version of the folder's layout; a newer one is refused.
  static constexpr int kFormat = 1;

  std::string program_version;
  std::string command;           ///< "run" | "train"
  std::optional<int> only_fold;  ///< `train`: the trained fold
  Config config;
  std::string data_name;
  std::string data_checksum;  ///< Corpus::checksum
  bool is_synthetic = false;
  std::int64_t utterances = 0;
  std::int64_t dialogues = 0;
  std::vector<std::string> class_names;     ///< empty for real values
  std::vector<std::string> modality_names;  ///< [M]
  std::vector<std::int64_t> widths;         ///< [M]
  std::vector<std::string> folds;           ///< their names
  /// Libraries and instruction sets of the computation (nn/numerics.h); empty in older runs.
  std::string numerics;
};

/// A manifest of this program version for a corpus.
RunManifest make_manifest(const std::string& command, const Config& config, const Corpus& corpus,
                          std::vector<std::string> folds);

/// The settings as stored in runs and models, without those that have no effect on results:
/// `run.jobs` is 0, `data.path` and `data.labels` are empty; the checksum identifies the data.
Config kept_config(const Config& config);

/// As JSON text, with kept_config().
std::string manifest_json(const RunManifest& manifest);

/// Reads a manifest; `name` stands for the file in messages. Throws ArtifactError when it is no
/// manifest, damaged, or of a newer format.
RunManifest parse_manifest(const std::string& json_text, const std::string& name);

/// First setting that makes two runs incompatible ("hardness.beta is 4.0 there and 3.0 now");
/// nothing when they agree. The path of the data and the number of jobs do not matter; unknown
/// numerics of older runs agree with all.
std::optional<std::string> manifest_difference(const RunManifest& held, const RunManifest& asked);

}  // namespace hardy
