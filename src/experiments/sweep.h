// Sweeps: the points of a grid or a random search.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/study.h"

namespace hardy {

/// One setting that varies: over listed values, or between two bounds.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;  ///< empty for a range
  double low = 0;
  double high = 0;
  bool is_logarithmic = false;
};

/// The settings of a sweep.
struct SweepSettings {
  std::vector<std::string> fixed;  ///< assignments with one value
  std::vector<SweepAxis> axes;
};

/// Reads settings: "key=1,2,4" (or "key=a;b" for values with commas) is an axis, "key=0..1" and
/// "key=log:1e-5..1e-2" are ranges for random search, "key=3" is fixed. Lists for settings that are
/// lists themselves (run.seeds) are fixed. Throws ConfigError for a repeated axis, an empty value,
/// an axis over a setting that defines validation (data, split, conditions, tracks, run), or an
/// invalid range.
SweepSettings read_sweep(const std::vector<std::string>& settings);

/// The points of the grid, the last axis fastest; with `random` > 0 that many distinct points drawn
/// from the axes (fewer when the grid is smaller). Throws ConfigError for a grid over a range, or
/// without an axis.
std::vector<Variant> sweep_variants(const std::vector<SweepAxis>& axes, std::int64_t random,
                                    std::uint64_t seed);

}  // namespace hardy
