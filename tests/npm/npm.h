// Programs of npm packages as tests: skipped with a notice without them, failing when CI=true.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace hardy::test {

/// Whether node and the packages of package-lock.json are installed.
inline bool has_npm() {
  return std::filesystem::exists(std::filesystem::path(HARDY_NPM_DIR) / "installed.txt");
}

/// Runs a script of tests/npm with node; its exit code.
inline int run_node(const std::string& script, const std::vector<std::string>& arguments) {
  std::string command = "HARDY_NPM='" HARDY_NPM_DIR "' node '" HARDY_NPM_SCRIPTS "/" + script + "'";
  for (const auto& argument : arguments) command += " '" + argument + "'";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace hardy::test

#define HARDY_NEEDS_NPM()                                                                 \
  do {                                                                                    \
    if (!hardy::test::has_npm()) {                                                        \
      const char* ci = std::getenv("CI");                                                 \
      ASSERT_FALSE(ci != nullptr && std::string(ci) == "true") << "npm packages missing"; \
      GTEST_SKIP() << "npm packages are not installed";                                   \
    }                                                                                     \
  } while (false)
