// Ctrl-C and SIGTERM: the first asks to stop and keep what is finished, the second ends at once.
#pragma once

#include <atomic>

namespace hardy {

/// Installs the handlers for SIGINT and SIGTERM. Returns the flag that the first signal sets; it
/// lives as long as the program.
const std::atomic<bool>& catch_interrupts();

}  // namespace hardy
