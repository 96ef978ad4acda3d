// Which settings a stage of HARDY-MER depends on: for its keys in the cache, and for estimates of
// what a study will compute; and how many epochs a method's stages have.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/config.h"

namespace hardy {

/// Of the hardness estimator's training. The score's own settings are left out, so that a sweep
/// over them trains nothing again.
std::string estimator_settings(Config config);

/// Of the recogniser's first stage, without those of feature tuning.
std::string complete_stage_settings(Config config);

/// Epochs of each training stage that a method declares, in its order.
std::vector<std::int64_t> stage_epochs(const MethodDeclaration& method, const Config& config);

}  // namespace hardy
