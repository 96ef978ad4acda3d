// Numbers in JSON, which has neither NaN nor infinity.
#pragma once

#include <cmath>

#include <nlohmann/json.hpp>

namespace hardy {

/// `value`, or null if it is not finite.
inline nlohmann::ordered_json json_number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

}  // namespace hardy
