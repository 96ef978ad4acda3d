#include "analysis/comparison_json.h"

#include <nlohmann/json.hpp>

#include "base/json_number.h"

namespace hardy {

nlohmann::ordered_json difference_json(const Comparison& comparison) {
  const Comparison& c = comparison;
  return {{"difference", json_number(c.difference)},   {"low", json_number(c.interval.low)},
          {"high", json_number(c.interval.high)},      {"p", json_number(c.p)},
          {"corrected_p", json_number(c.corrected_p)}, {"beyond_chance", c.is_beyond_chance}};
}

}  // namespace hardy
