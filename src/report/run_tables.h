// The large tables of a run folder, reduced to the contents of a report.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "pipeline/run_folder.h"

namespace hardy {

/// One curve of one fit.
struct FitCurve {
  std::string track;
  std::string trained;
  int fold = 0;
  std::int64_t seed = 0;
  std::string stage;
  std::string name;
  std::vector<std::pair<std::int64_t, double>> points;  ///< epoch, value
};

/// curves.csv. Throws ArtifactError naming file and line.
std::vector<FitCurve> read_curves(const RunFolder& folder);

/// Curves of the same track, pattern, stage and name: mean, smallest and largest value over folds
/// and seeds by epoch.
nlohmann::ordered_json curves_json(const std::vector<FitCurve>& curves);

/// hardness.csv: per pattern a histogram of the scores (20 bins over 0..1), their mean, and the
/// number of utterances by number of supports. Throws ArtifactError naming file and line.
nlohmann::ordered_json hardness_json(const RunFolder& folder);

/// The five hardest and five easiest training utterances of the first fold and seed, by mean score
/// over patterns, with their supports under the pattern of most modalities.
nlohmann::ordered_json cases_json(const RunFolder& folder);

}  // namespace hardy
