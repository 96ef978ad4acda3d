// The models that a protocol trains per fold and seed; the same in every participating process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/modality.h"

namespace hardy {

/// One model of a (fold, seed) group.
struct PlannedFit {
  std::string track;             ///< "specialist" | "unified"
  std::vector<Pattern> trained;  ///< one for a specialist
  std::string name;              ///< "specialist {a,t}", for progress and costs
};

/// How a run is divided into parts, the same in every process.
struct RunDivision {
  std::int64_t groups = 0;  ///< (training corpus, fold, seed): a corpus per masks with own models
  /// The largest number of fits in a group. Fit f of group g has the number g * this + f.
  std::int64_t fits_per_group = 0;
};

/// Throws ConfigError for unknown conditions.
RunDivision division_of(const Config& config, const Corpus& corpus);

/// Patterns of the unified track: all of them up to a reasonable number, otherwise the reported
/// ones.
std::vector<Pattern> unified_patterns(int modalities, const std::vector<Pattern>& conditions);

/// The union of the patterns of all fits; `is_masked`: fits on masked data, whose utterances have
/// only the modalities that the masks leave.
std::vector<Pattern> trained_patterns(const Config& config, const Corpus& corpus,
                                      bool is_masked = false);

/// The fits of each fold and seed, in their order; `is_masked` as above. Throws ConfigError for
/// unknown conditions.
std::vector<PlannedFit> planned_fits(const Config& config, const Corpus& corpus,
                                     bool is_masked = false);

}  // namespace hardy
