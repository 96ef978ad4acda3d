#include "cli/environment.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

bool has_instructions(const std::string& name) {
#if defined(__x86_64__)
  if (name == "avx512") {
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  }
  if (name == "avx2") {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  }
  return __builtin_cpu_supports("sse4.1") != 0;
#else
  return name.empty();
#endif
}

/// Variables that oneDNN, libtorch and OpenBLAS read when they are loaded.
std::vector<std::pair<std::string, std::string>> variables_of(const std::string& name) {
  if (name == "avx512") {
    return {{"DNNL_MAX_CPU_ISA", "AVX512_CORE"},
            {"ATEN_CPU_CAPABILITY", "avx512"},
            {"OPENBLAS_CORETYPE", "SkylakeX"}};
  }
  if (name == "avx2") {
    return {{"DNNL_MAX_CPU_ISA", "AVX2"},
            {"ATEN_CPU_CAPABILITY", "avx2"},
            {"OPENBLAS_CORETYPE", "Haswell"}};
  }
  return {{"DNNL_MAX_CPU_ISA", "SSE41"},
          {"ATEN_CPU_CAPABILITY", "default"},
          {"OPENBLAS_CORETYPE", "Nehalem"}};
}

/// Replaces this process by the same program with the same arguments.
[[noreturn]] void start_again() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execv("/proc/self/exe", pointers.data());
  throw IoError(
      fmt::format("--isa: the program cannot be started again: {}", std::strerror(errno)));
}

}  // namespace

std::filesystem::path default_cache_folder() {
  // The XDG specification requires relative paths to be ignored.
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') return std::filesystem::path(cache) / "hardy";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::filesystem::path(home) / ".cache" / "hardy";
  return {};
}

const std::vector<std::string>& instruction_sets() {
  static const std::vector<std::string> names = {"avx512", "avx2", "sse4"};
  return names;
}

void pin_instructions(const std::string& name) {
  if (!has_instructions(name)) {
    throw ConfigError(fmt::format(
        "--isa {}: this machine does not have these instructions; choose the set of the oldest "
        "machine that takes part",
        name));
  }
  bool has_changed = false;
  for (const auto& [variable, value] : variables_of(name)) {
    const char* held = std::getenv(variable.c_str());
    if (held != nullptr && value == held) continue;
    ::setenv(variable.c_str(), value.c_str(), 1);
    has_changed = true;
  }
  if (has_changed) start_again();
}

void occupy_standard_descriptors() {
  // Opened the wrong way round, so that they cannot be used.
  constexpr std::array kModes = {O_WRONLY, O_RDONLY, O_RDONLY};
  for (int number = 0; number < static_cast<int>(kModes.size()); ++number) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    // The smallest free number is given, and all below are taken.
    static_cast<void>(::open("/dev/null", kModes[static_cast<std::size_t>(number)]));
  }
}

std::filesystem::path program_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path() : program.parent_path();
}

int terminal_columns() {
  if (::isatty(STDERR_FILENO) == 0) return 0;
  constexpr int kUnknown = 80;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUnknown;
  return size.ws_col;
}

}  // namespace hardy
