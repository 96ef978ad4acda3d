// The whole protocol: folds x seeds x conditions on one corpus, every shared stage computed once,
// in parallel single-threaded workers; and the evaluation of stored models.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/Device.h>

#include "corpus/class_map.h"
#include "hardy/bundle.h"
#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/errors.h"
#include "hardy/results.h"
#include "hardy/split.h"
#include "pipeline/progress.h"
#include "pipeline/run_folder.h"
#include "pipeline/shard.h"
#include "pipeline/stage_cache.h"

namespace hardy {

/// Request of a run. Paths are output paths; nothing is read from the environment.
struct ProtocolRequest {
  std::string command = "run";        ///< name of the command in the manifest
  Config config = {};                 ///< validated
  std::optional<int> only_fold = {};  ///< train a single fold
  std::filesystem::path folder = {};  ///< run folder; empty = runs/<corpus>-<8 hex digits>
  std::filesystem::path cache = {};   ///< stage cache; empty = a folder inside the run folder
  bool overwrite = false;             ///< replace another run in `folder`
  double checkpoint_interval_s = kCheckpointInterval_s;
  bool from_cache = false;       ///< collect what shards left in the cache; compute nothing
  std::string variant = {};      ///< of a study, for what is missing from the cache
  bool only_validation = false;  ///< for choosing settings: no test output is made
  /// For deployment: one fold whose training part has every dialogue but the validation part of the
  /// first fold, which chooses epochs and calibrates; nothing is tested.
  bool all_data = false;
  std::vector<BundleScore> fold_scores = {};  ///< stored in the models, of the folds of a run
  const std::atomic<bool>* stop = nullptr;    ///< set by a signal: stop soon, keep what is finished
};

/// Results of a run.
struct ProtocolResult {
  std::filesystem::path folder;
  Results results;     ///< on the test parts
  Results validation;  ///< on the validation parts, for the selection of settings
  RunTimings timings;
};

/// Thrown by a collecting run that did not find every fit in the cache.
class MissingFits : public ArtifactError {
 public:
  MissingFits(const std::string& what, std::vector<MissingFit> fits)
      : ArtifactError(what), fits_(std::move(fits)) {}

  [[nodiscard]] const std::vector<MissingFit>& fits() const { return fits_; }

 private:
  std::vector<MissingFit> fits_;
};

/// The folder of a run: the request's, or runs/<corpus>-<8 hex digits>.
std::filesystem::path run_folder_of(const ProtocolRequest& request, const Corpus& corpus);

/// The device of the settings. Throws ConfigError when it does not exist.
at::Device protocol_device(const Config& config);

/// Validates the request and returns the folds. Throws DataError when the method cannot be applied
/// to the corpus, and DataError or ConfigError when the split is impossible.
std::vector<Fold> check_request(const ProtocolRequest& request, const Corpus& corpus);

/// Runs the protocol and writes the run folder. Everything fitted is fitted on the training part of
/// a fold, epochs are selected on its validation part, and test labels are read by `make_results`
/// only. Equal requests give equal bytes for any `run.jobs`. Throws ConfigError, DataError,
/// DivergenceError, IoError, Interrupted (the same request continues), MissingFits (no results are
/// written; models that were found may be).
ProtocolResult run_protocol(const ProtocolRequest& request, const Corpus& corpus,
                            Progress& progress);

/// How a corpus other than the models' own is brought to them.
struct Transfer {
  ClassMap map = {};  ///< its classes that they know by other names
  /// Features are standardised by mean and deviation of the scored dialogues instead of the
  /// training part's; the clip range stays. Reads no label.
  bool by_target_statistics = false;
};

/// Evaluates stored models on a corpus under the given conditions (empty = those of the run): on
/// the fold's test part for the run's own corpus, otherwise on every dialogue that neither trained
/// nor selected the model. Modalities and classes are matched by name (corpus/match_model.h).
/// Results::notes states what was left out. `source` is a run folder or one model file. Throws
/// ArtifactError for a damaged model, DataError when the corpus cannot be matched or nothing is
/// left to score, ConfigError for a map that does not fit.
Results evaluate_models(const std::filesystem::path& source, const Corpus& corpus,
                        const std::string& conditions, Progress& progress,
                        const Transfer& transfer = {});

}  // namespace hardy
