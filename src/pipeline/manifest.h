// What a run folder is about: which program was told what, on which data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"

namespace hardy {

/// The manifest of a run folder (docs/run_folder.md). Holds no times, so that equal runs have equal
/// manifests.
struct RunManifest {
  /// Version of the folder's layout; a newer one is refused.
  static constexpr int kFormat = 1;

  std::string program_version;
  std::string command;           ///< "run" | "train"
  std::optional<int> only_fold;  ///< `train`: the fold it was told to fit
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
  /// Libraries and instruction sets that computed it (nn/numerics.h); empty in older runs.
  std::string numerics;
};

/// A manifest of this program version for a corpus.
RunManifest make_manifest(const std::string& command, const Config& config, const Corpus& corpus,
                          std::vector<std::string> folds);

/// The settings as runs and models keep them: without what changes no result. `run.jobs` is 0,
/// `data.path` and `data.labels` are empty; the data's checksum says what was read.
Config kept_config(const Config& config);

/// As JSON text, with kept_config().
std::string manifest_json(const RunManifest& manifest);

/// Reads it back; `name` stands for the file in messages. Throws ArtifactError when it is no
/// manifest, damaged, or of a newer format.
RunManifest parse_manifest(const std::string& json_text, const std::string& name);

/// What keeps results of `asked` from standing beside those of `held` ("hardness.beta is 4.0 there
/// and 3.0 now"); nothing when they agree. Where the data lies and how many jobs run do not matter;
/// the numerics of older runs are not known and agree with all.
std::optional<std::string> manifest_difference(const RunManifest& held, const RunManifest& asked);

}  // namespace hardy
