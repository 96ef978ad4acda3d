// Privileges that a running service drops, to limit the damage of an exploit: Landlock for files
// and ports, seccomp for system calls. Linux only; no effect elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hardy {

/// Restricts this thread and its later threads: they read only below `readable`, write no file,
/// listen on `port` only (0 = any free one) and make no connections. Returns the restrictions that
/// the kernel does not support; empty if all are in force.
std::string confine_files(const std::vector<std::filesystem::path>& readable, std::uint16_t port);

/// Restricts all threads of this process: starting programs or processes, opening sockets, tracing
/// and other calls that a running service does not need fail with EPERM. Returns the restrictions
/// that the kernel does not support; empty if all are in force.
std::string confine_calls();

/// For processes that decode recordings and their children, which start processes and need many
/// calls of libraries: starting programs, opening sockets, tracing, and reading the memory of other
/// processes fail with EPERM. Returns as confine_calls.
std::string confine_decoder_calls();

}  // namespace hardy
