// Option values with a fixed set of names.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace hardy {

/// Refuses words other than `names`, listing them and the nearest.
CLI::Validator one_of(std::vector<std::string> names);

}  // namespace hardy
