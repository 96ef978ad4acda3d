// Numbers in JSON, which has neither NaN nor infinity.
#pragma once

#include <cmath>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hardy {

/// `value`, or null if it is not finite.
inline nlohmann::ordered_json json_number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

/// A float32 with the seven digits that it holds; null where it is not finite.
inline nlohmann::ordered_json json_float(float value) {
  return std::isfinite(value) ? nlohmann::ordered_json(std::stod(fmt::format("{:.7g}", value)))
                              : nlohmann::ordered_json();
}

}  // namespace hardy
