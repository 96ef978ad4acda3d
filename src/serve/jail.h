// What a service takes from itself once it runs, so that whoever takes it over gets little:
// Landlock for files and ports, seccomp for system calls. Linux only; elsewhere nothing is taken
// away.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// From now on this thread, and those that it starts, read only what lies below `readable`, write
/// nothing, listen on `port` alone (0 = any free one) and connect to nobody. Returns what could not
/// be arranged (an old kernel); empty when everything was.
std::string confine_files(const std::vector<std::filesystem::path>& readable, std::uint16_t port);

/// From now on no thread of this process may start programs or processes, open sockets, trace
/// others or do whatever else a running service does not need: such calls fail with EPERM. Returns
/// what could not be arranged; empty when everything was.
std::string confine_calls();

}  // namespace hardy
