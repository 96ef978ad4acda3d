// What `hardy --version` prints.
#pragma once

#include <string>

namespace hardy {

/// "hardy 0.2.0" in a line of its own, then compiler, libraries and instruction sets, then what
/// trains (training_version).
std::string version_text();

/// Libraries and instruction sets that training's numbers pass through (nn/numerics.h): of this
/// process, or asked of hardy-trainer beside it. Two implementations: trainer.cc, exec_trainer.cc.
std::string training_version();

}  // namespace hardy
