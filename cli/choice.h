// Option values that must be one of a few names.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace hardy {

/// Refuses other words than `names`, naming those and the nearest.
CLI::Validator one_of(std::vector<std::string> names);

}  // namespace hardy
