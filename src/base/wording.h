// Wording of messages: "did you mean ...?" and counted nouns.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// The word of `known` with the fewest edits (Levenshtein) from `word`; empty when none is near.
/// A last part that matches exactly ("alpha1" for "hardness.alpha1") counts as near. Of equally
/// near words the first wins.
std::string nearest_name(std::string_view word, const std::vector<std::string>& known);

/// "1 fold", "5 folds", "2 classes".
template <std::integral Count>
std::string counted(Count count, std::string_view noun) {
  const char* ending = count == 1 ? "" : noun.ends_with('s') ? "es" : "s";
  return std::to_string(count) + ' ' + std::string(noun) + ending;
}

}  // namespace hardy
