// The whole protocol: folds x seeds x conditions on one corpus, every shared stage computed once,
// in parallel single-threaded workers; and the re-evaluation of the models it leaves behind.
#pragma once

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/Device.h>

#include "hardy/bundle.h"
#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/errors.h"
#include "hardy/fit_outcome.h"
#include "hardy/results.h"
#include "hardy/split.h"
#include "pipeline/progress.h"
#include "pipeline/run_folder.h"
#include "pipeline/shard.h"
#include "pipeline/stage_cache.h"

namespace hardy {

/// What to run. Paths are where to write; nothing is read from the environment.
struct ProtocolRequest {
  std::string command = "run";        ///< as the manifest names it
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

/// What came out.
struct ProtocolResult {
  std::filesystem::path folder;
  Results results;     ///< on the test parts
  Results validation;  ///< on the validation parts: what settings may be chosen by
  RunTimings timings;
};

/// A collecting run that did not find every fit in the cache.
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

/// Where the settings compute. Throws ConfigError when there is no such device.
at::Device protocol_device(const Config& config);

/// All that run_protocol refuses without training anything: a corpus that the method or no method
/// can serve (DataError), a split that cannot be made. Returns the folds.
std::vector<Fold> check_request(const ProtocolRequest& request, const Corpus& corpus);

/// Runs the protocol (methods.md section 10) and writes the run folder. Everything fitted is fitted
/// on the training part of a fold, epochs are chosen on its validation part, test labels are read
/// by `make_results` alone. Equal requests give equal bytes, whatever `run.jobs` is. Throws
/// ConfigError, DataError, DivergenceError, IoError, Interrupted (the same request continues),
/// MissingFits (results are not written then; models that were found may be).
ProtocolResult run_protocol(const ProtocolRequest& request, const Corpus& corpus,
                            Progress& progress);

/// Outputs of stored models on a corpus under the given conditions (empty = those of the run): the
/// fold's test part when the corpus is the run's own, otherwise every dialogue that neither trained
/// nor chose the model. Modalities and classes are matched by name (corpus/match_model.h).
/// Results::notes says what was left out. `source` is a run folder or one model file. Throws
/// ArtifactError for a damaged model, DataError when the corpus cannot be matched or nothing is
/// left to score.
Results evaluate_models(const std::filesystem::path& source, const Corpus& corpus,
                        const std::string& conditions, Progress& progress);

}  // namespace hardy
