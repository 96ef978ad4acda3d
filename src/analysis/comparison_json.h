// A comparison as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analysis/comparison.h"

namespace hardy {

/// difference, low, high, p, corrected_p, beyond_chance; null if not computable.
nlohmann::ordered_json difference_json(const Comparison& comparison);

}  // namespace hardy
