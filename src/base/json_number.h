// Numbers in JSON, which knows neither NaN nor infinity.
#pragma once

#include <cmath>

#include <nlohmann/json.hpp>

namespace hardy {

/// `value`, or null where it is not finite: what could not be computed.
inline nlohmann::ordered_json json_number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

}  // namespace hardy
