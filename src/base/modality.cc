#include "hardy/modality.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

/// Index of the modality that `name` names exactly or by unique prefix; -1 if none, -2 if several.
int find_modality(std::string_view name, const std::vector<std::string>& names) {
  int found = -1;
  for (std::size_t m = 0; m < names.size(); ++m) {
    if (names[m] == name) return static_cast<int>(m);
    if (!name.empty() && names[m].starts_with(name)) found = found == -1 ? static_cast<int>(m) : -2;
  }
  return found;
}

}  // namespace

std::vector<Pattern> all_patterns(int modalities) {
  check(modalities >= 1 && modalities <= kMaxModalities, "number of modalities out of range");
  std::vector<Pattern> patterns;
  for (std::uint32_t bits = 1; bits < (1U << modalities); ++bits) patterns.emplace_back(bits);
  // Equal counts are in corpus order: the lowest differing modality decides.
  std::stable_sort(patterns.begin(), patterns.end(), [](Pattern x, Pattern y) {
    if (x.count() != y.count()) return x.count() < y.count();
    const std::uint32_t differing = x.bits() ^ y.bits();
    return differing != 0 && x.has(std::countr_zero(differing));
  });
  return patterns;
}

std::vector<Pattern> proper_patterns(int modalities) {
  auto patterns = all_patterns(modalities);
  patterns.pop_back();
  return patterns;
}

std::vector<std::string> short_names(const std::vector<std::string>& modality_names) {
  std::vector<std::string> result;
  for (const auto& name : modality_names) {
    std::size_t length = 1;
    const auto is_shared = [&](const std::string& other) {
      return &other != &name && other.compare(0, length, name, 0, length) == 0;
    };
    while (length < name.size() &&
           std::any_of(modality_names.begin(), modality_names.end(), is_shared)) {
      ++length;
    }
    result.push_back(name.substr(0, length));
  }
  return result;
}

std::string pattern_label(Pattern pattern, const std::vector<std::string>& modality_names) {
  std::string label;
  for (std::size_t m = 0; m < modality_names.size(); ++m) {
    if (!pattern.has(static_cast<int>(m))) continue;
    if (!label.empty()) label += ',';
    label += modality_names[m];
  }
  return label;
}

Pattern parse_pattern(std::string_view text, const std::vector<std::string>& modality_names) {
  std::vector<std::string> words;
  std::string word;
  for (const char letter : text) {
    if (letter == ',' || letter == '+' || letter == ' ') {
      if (!word.empty()) words.push_back(word);
      word.clear();
    } else if (letter != '{' && letter != '}') {
      word += letter;
    }
  }
  if (!word.empty()) words.push_back(word);
  // "at" for {a,t}: one word that is no modality is read letter by letter, if all letters are
  // modalities.
  if (words.size() == 1 && find_modality(words[0], modality_names) < 0) {
    std::vector<std::string> letters;
    for (const char letter : words[0]) letters.emplace_back(1, letter);
    const bool all_name_one = std::all_of(letters.begin(), letters.end(), [&](const auto& letter) {
      return find_modality(letter, modality_names) >= 0;
    });
    if (all_name_one) words = letters;
  }
  std::uint32_t bits = 0;
  for (const auto& name : words) {
    const int modality = find_modality(name, modality_names);
    if (modality < 0) {
      throw ConfigError(fmt::format(
          "condition '{}': {} modality '{}'; this corpus has: {}. Write a condition as names or "
          "unique prefixes joined by commas, e.g. '{}'",
          text, modality == -2 ? "ambiguous" : "unknown", name, fmt::join(modality_names, ", "),
          fmt::join(short_names(modality_names), ",")));
    }
    bits |= 1U << modality;
  }
  if (bits == 0) {
    throw ConfigError(fmt::format("condition '{}' names no modality; at least one of {} is needed",
                                  text, fmt::join(modality_names, ", ")));
  }
  return Pattern(bits);
}

}  // namespace hardy
