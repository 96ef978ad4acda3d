#include "cli/choice.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/wording.h"

namespace hardy {

CLI::Validator one_of(std::vector<std::string> names) {
  const auto refusal = [names = std::move(names)](const std::string& word) -> std::string {
    if (std::find(names.begin(), names.end(), word) != names.end()) return {};
    const std::string near = nearest_name(word, names);
    return fmt::format("'{}' is unknown; there are {}{}", word, fmt::join(names, ", "),
                       near.empty() ? "" : "; did you mean '" + near + "'?");
  };
  return {refusal, ""};
}

}  // namespace hardy
