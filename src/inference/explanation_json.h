// Explanations as JSON, for `hardy explain --json` and the service.
#pragma once

#include <nlohmann/json.hpp>

#include "hardy/explain.h"

namespace hardy {

/// Everything of an explanation, with names instead of numbers (docs/serving.md has an example).
nlohmann::ordered_json explanation_json(const Explanation& explanation, const BundleInfo& info);

}  // namespace hardy
