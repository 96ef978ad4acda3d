// Validity of estimated hardness in a finished run: against the loss and error of held-out
// utterances, against the true difficulty of synthetic data, and over seeds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "pipeline/run_folder.h"

namespace hardy {

/// Spearman correlation of one estimate of hardness with one target.
struct Validity {
  std::string estimate;  ///< "direct", "indirect", "score, paper sign", "supports, paper sign,
                         ///< middle centre", ...
  std::string target;    ///< "held-out loss" | "held-out error" | "true difficulty"
  std::string pattern;   ///< label
  std::int64_t utterances = 0;
  double correlation = 0;  ///< NaN when `missing`
  std::string missing;     ///< why there is no number; otherwise empty
};

/// Agreement of the scores of two seeds, within fold and pattern.
struct Stability {
  std::string pattern;
  double correlation = 0;  ///< mean over folds and pairs of seeds; NaN when `missing`
  std::int64_t pairs = 0;
  std::string missing;
};

/// A support of an utterance.
struct CaseSupport {
  std::string id;
  std::string label;
  std::string transcript;
  double distance = 0;
};

/// One of the hardest or easiest utterances.
struct Case {
  std::string id;
  std::string label;
  std::string transcript;
  double hardness = 0;    ///< mean rank among the training utterances, 0 = easiest, 1 = hardest
  double difficulty = 0;  ///< true difficulty; NaN for real data
  double loss = 0;        ///< mean held-out loss; NaN where it was never held out
  std::vector<CaseSupport> supports;  ///< complete pattern, first fold and seed, nearest first
};

struct HardnessReport {
  std::string data_name;
  bool is_synthetic = false;
  std::vector<Validity> validity;
  std::vector<Stability> stability;
  std::vector<Case> hardest;
  std::vector<Case> easiest;
};

/// Reads hardness.csv, supports.csv and predictions.csv of a finished run; no model is run. The
/// hardness of an utterance is its mean rank among the training utterances of the folds and seeds
/// that trained on it; its loss (cross-entropy, squared error) and error are means over seeds and
/// tracks in the fold that tested it. Both exist for the same utterance only if folds rotate.
/// `cases`: number of hardest and easiest utterances. Throws ArtifactError for missing or damaged
/// tables, DataError when `corpus` is not the run's.
HardnessReport examine_hardness(const RunFolder& run, const Corpus& corpus, std::size_t cases);

std::string hardness_text(const HardnessReport& report);
std::string hardness_json(const HardnessReport& report);

}  // namespace hardy
