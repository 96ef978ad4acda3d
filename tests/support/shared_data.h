// Finds the reference data; tests that need it skip loudly without it and fail where it must be.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace hardy::test {

/// Folder of the reference data: $HARDY_SHARED, else the one configured at build time.
inline std::filesystem::path shared_dir() {
  const char* from_environment = std::getenv("HARDY_SHARED");
  return from_environment != nullptr ? from_environment : HARDY_SHARED_DIR;
}

inline bool is_ci() {
  const char* ci = std::getenv("CI");
  return ci != nullptr && std::string(ci) == "true";
}

}  // namespace hardy::test

/// Leaves the test when `relative` is not in the reference data: skipped with a notice, or failed
/// when CI=true.
#define HARDY_NEEDS_SHARED(relative)                                                       \
  do {                                                                                     \
    const auto needed = hardy::test::shared_dir() / (relative);                            \
    if (!std::filesystem::exists(needed)) {                                                \
      ASSERT_FALSE(hardy::test::is_ci()) << "reference data missing under CI: " << needed; \
      GTEST_SKIP() << "reference data not found: " << needed << " (set HARDY_SHARED)";     \
    }                                                                                      \
  } while (false)
