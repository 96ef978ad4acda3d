// Finds the reference data; tests that need it are skipped with a notice without it, or fail if
// HARDY_REQUIRE_SHARED=1.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/support/places.h"

namespace hardy::test {

/// Folder of the reference data: $HARDY_SHARED, else the one configured at build time.
inline std::filesystem::path shared_dir() {
  const char* from_environment = std::getenv("HARDY_SHARED");
  return from_environment != nullptr ? from_environment : configured_shared_dir();
}

inline bool requires_shared() {
  const char* required = std::getenv("HARDY_REQUIRE_SHARED");
  return required != nullptr && std::string(required) == "1";
}

inline bool is_ci() {
  const char* ci = std::getenv("CI");
  return ci != nullptr && std::string(ci) == "true";
}

}  // namespace hardy::test

/// Skips the test with a notice when `relative` is not in the reference data, or fails it if
/// HARDY_REQUIRE_SHARED=1.
#define HARDY_NEEDS_SHARED(relative)                                                        \
  do {                                                                                      \
    const auto needed = hardy::test::shared_dir() / (relative);                             \
    if (!std::filesystem::exists(needed)) {                                                 \
      ASSERT_FALSE(hardy::test::requires_shared()) << "reference data missing: " << needed; \
      GTEST_SKIP() << "reference data not found: " << needed << " (set HARDY_SHARED)";      \
    }                                                                                       \
  } while (false)
