// Explanations as JSON, for `hardy explain --json` and the service.
#pragma once

#include <nlohmann/json.hpp>

#include "hardy/explain.h"

namespace hardy {

/// An explanation with names instead of indices, the output of `hardy explain --json`.
nlohmann::ordered_json explanation_json(const Explanation& explanation, const BundleInfo& info);

}  // namespace hardy
