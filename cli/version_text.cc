#include "cli/version_text.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "hardy/version.h"
#include "kernels/panels.h"

namespace hardy {
namespace {

/// "clang 14.0.6", "gcc 12.2.0".
std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("gcc {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

/// The instruction set that predictions are computed with on this machine.
const char* kernels() {
  switch (predict::best_instructions()) {
    case predict::Instructions::kAvx512:
      return "AVX-512";
    case predict::Instructions::kAvx2:
      return "AVX2";
    case predict::Instructions::kPlain:
      break;
  }
  return "plain";
}

}  // namespace

std::string version_text() {
  return fmt::format(
      "hardy {}\n"
      "compiler   {}, C++{}\n"
      "libraries  fmt {}.{}.{}, nlohmann-json {}.{}.{}, CLI11 {}\n"
      "kernels    {}\n"
      "training   {}",
      program_version(), compiler(), __cplusplus / 100, FMT_VERSION / 10000,
      FMT_VERSION / 100 % 100, FMT_VERSION % 100, NLOHMANN_JSON_VERSION_MAJOR,
      NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH, CLI11_VERSION, kernels(),
      training_version());
}

}  // namespace hardy
