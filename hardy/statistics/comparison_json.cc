#include "hardy/statistics/comparison_json.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace hardy {

nlohmann::ordered_json difference_json(const Comparison& comparison) {
  using Json = nlohmann::ordered_json;
  const auto number = [](double value) { return std::isnan(value) ? Json() : Json(value); };
  const Comparison& c = comparison;
  return {{"difference", number(c.difference)},   {"low", number(c.interval.low)},
          {"high", number(c.interval.high)},      {"p", number(c.p)},
          {"corrected_p", number(c.corrected_p)}, {"beyond_chance", c.is_beyond_chance}};
}

}  // namespace hardy
