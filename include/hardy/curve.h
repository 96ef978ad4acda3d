/// @file
/// Training curves: losses and scores measured after each epoch.
#pragma once

#include <cstdint>
#include <string>

namespace hardy {

/// One point of a training curve.
struct CurvePoint {
  std::string stage;       ///< "tuning.acoustic", "hardness.complete", "recogniser.patterns"
  std::int64_t epoch = 0;  ///< 1-based
  std::string name;        ///< "train_loss", "validation_loss"
  double value = 0;        ///< in the unit of `name`
};

}  // namespace hardy
