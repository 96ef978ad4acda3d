// Sweeps: which points a grid or a random search visits.
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

/// What --set means in a sweep.
struct SweepSettings {
  std::vector<std::string> fixed;  ///< assignments of one value
  std::vector<SweepAxis> axes;
};

/// Reads settings: "key=1,2,4" (or "key=a;b" where values hold commas) is an axis, "key=0..1" and
/// "key=log:1e-5..1e-2" are ranges for random search, "key=3" is fixed. Lists of settings that
/// hold lists themselves (run.seeds) are fixed. Throws ConfigError: an axis twice, an empty value,
/// an axis over a setting that decides what validation is (data, split, conditions, tracks, run),
/// bounds that are no range.
SweepSettings read_sweep(const std::vector<std::string>& settings);

/// The points of the grid, the last axis fastest; with `random` > 0 that many distinct points drawn
/// from the axes (fewer when the grid is smaller). Throws ConfigError when a range is to be gridded
/// or there is no axis.
std::vector<Variant> sweep_variants(const std::vector<SweepAxis>& axes, std::int64_t random,
                                    std::uint64_t seed);

}  // namespace hardy
