// "Did you mean ...?" for misspelt fields, options and commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// The word of `known` with the fewest edits (Levenshtein) from `word`; empty when none is near.
/// A last part that matches exactly ("alpha1" for "hardness.alpha1") counts as near. Of equally
/// near words the first wins.
std::string nearest_name(std::string_view word, const std::vector<std::string>& known);

}  // namespace hardy
