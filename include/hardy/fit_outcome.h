/// @file
/// The result of one training: outputs on held-out utterances and training curves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/condition.h"
#include "hardy/curve.h"
#include "hardy/modality.h"
#include "hardy/tensor_file.h"

namespace hardy {

/// Outputs under one condition.
struct Evaluation {
  Condition condition;                   ///< which modalities were available
  std::vector<std::int64_t> utterances;  ///< [n] indices into the corpus, ascending
  std::vector<float> outputs;            ///< [n,C] class probabilities, or [n,1] values
};

/// One trained model's outputs.
struct FitOutcome {
  std::string track;             ///< "specialist" | "unified"
  Condition trained;             ///< the specialist's condition; the complete pattern for `unified`
  int fold = 0;                  ///< Fold::index
  std::int64_t seed = 0;         ///< training seed
  std::vector<Evaluation> test;  ///< test part, one entry per condition
  std::vector<Evaluation> validation;  ///< validation part, one entry per condition
  std::vector<CurvePoint> curve;       ///< in the order of measurement
  double train_cpu_s = 0;              ///< CPU seconds, without shared stages; 0 when unknown
  /// Of each pattern with enough validation utterances; nothing = not asked for, and then no
  /// calibrated metric is defined. Not kept in cache entries.
  std::optional<std::vector<Calibration>> calibrations = {};
};

/// The outcome as a cache entry.
TensorFile to_tensor_file(const FitOutcome& outcome);

/// Reads a cache entry. Throws ArtifactError when a field is missing or the sizes of an evaluation
/// disagree.
FitOutcome fit_outcome_of(const TensorFile& file);

}  // namespace hardy
