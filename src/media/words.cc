#include "media/words.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "formats/text.h"
#include "hardy/errors.h"
#include "media/embedded_files.h"

namespace hardy {
namespace {

constexpr std::size_t kShortestGram = 3;
constexpr std::size_t kLongestGram = 5;
constexpr std::size_t kNegationReach = 3;
/// Factor on a word's valence after a negation.
constexpr double kNegated = -0.74;

using Lexicon = std::unordered_map<std::string_view, double>;

const Lexicon& lexicon() {
  static const Lexicon words = [] {
    Lexicon made;
    std::string_view rest = sentiment_words();
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size());
      const auto line = rest.substr(0, end);
      const auto tab = line.find('\t');
      const auto value =
          tab == std::string_view::npos ? std::nullopt : to_real(line.substr(tab + 1));
      if (value) made.emplace(line.substr(0, tab), *value);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return made;
  }();
  return words;
}

bool is_negation(std::string_view word) {
  constexpr std::string_view kWords[] = {
      "not",     "no",     "never",   "none", "nobody", "nothing", "neither", "nor",
      "nowhere", "cannot", "without", "cant", "dont",   "wont",    "isnt",    "aint"};
  return word.ends_with("n't") ||
         std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

bool is_word_letter(char letter) {
  const auto code = static_cast<unsigned char>(letter);
  return code >= 0x80 || std::isalnum(code) != 0 || letter == '\'';
}

/// FNV-1a with a final mix, so that similar texts fall into unrelated buckets.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char letter : text) {
    hash ^= static_cast<unsigned char>(letter);
    hash *= 0x100000001B3U;
  }
  hash ^= hash >> 33U;
  hash *= 0xFF51AFD7ED558CCDU;
  return hash ^ (hash >> 33U);
}

/// Start offsets of the characters of a UTF-8 text, and its end.
std::vector<std::size_t> character_starts(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) starts.push_back(i);
  }
  starts.push_back(text.size());
  return starts;
}

void add_grams(std::string_view word, std::vector<float>& buckets) {
  const std::string bounded = "<" + std::string(word) + ">";
  const auto starts = character_starts(bounded);
  for (std::size_t length = kShortestGram; length <= kLongestGram; ++length) {
    for (std::size_t first = 0; first + length < starts.size(); ++first) {
      const auto gram =
          std::string_view(bounded).substr(starts[first], starts[first + length] - starts[first]);
      const std::uint64_t hash = hash_of(gram);
      buckets[hash % kTextBuckets] += (hash >> 63U) != 0 ? 1.0F : -1.0F;
    }
  }
}

void scale_to_length_one(std::vector<float>& values) {
  double squares = 0;
  for (const float value : values) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  if (squares <= 0) return;
  const auto scale = static_cast<float>(1 / std::sqrt(squares));
  for (float& value : values) value *= scale;
}

/// Valences of the known words, negations applied.
std::vector<double> valences_of(const std::vector<std::string>& words) {
  std::vector<double> found;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto known = lexicon().find(words[i]);
    if (known == lexicon().end()) continue;
    bool is_negated = false;
    for (std::size_t j = i - std::min(i, kNegationReach); j < i; ++j) {
      is_negated = is_negated || is_negation(words[j]);
    }
    found.push_back(known->second * (is_negated ? kNegated : 1));
  }
  return found;
}

void add_statistics(std::string_view text, const std::vector<std::string>& words,
                    std::vector<float>& features) {
  const auto valences = valences_of(words);
  double sum = 0;
  double positive = 0;
  double negative = 0;
  double highest = 0;
  double lowest = 0;
  for (const double valence : valences) {
    sum += valence;
    (valence > 0 ? positive : negative) += valence;
    highest = std::max(highest, valence);
    lowest = std::min(lowest, valence);
  }
  const auto count_of = [&](char mark) {
    return static_cast<double>(std::count(text.begin(), text.end(), mark));
  };
  const auto letters = std::count_if(
      text.begin(), text.end(), [](unsigned char letter) { return std::isalpha(letter) != 0; });
  const auto capitals = std::count_if(
      text.begin(), text.end(), [](unsigned char letter) { return std::isupper(letter) != 0; });
  const auto n = static_cast<double>(words.size());
  const auto known = static_cast<double>(valences.size());
  for (const double value :
       {sum, known > 0 ? sum / known : 0, positive, positive / n, negative, negative / n, highest,
        lowest, known / n, std::log1p(n), (count_of('!') + count_of('?')) / n,
        letters > 0 ? static_cast<double>(capitals) / static_cast<double>(letters) : 0}) {
    features.push_back(static_cast<float>(value));
  }
}

}  // namespace

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string run;  // characters between blanks
  const auto flush = [&] {
    if (lexicon().contains(run) && std::none_of(run.begin(), run.end(), is_word_letter)) {
      words.push_back(run);  // an emoticon
    } else {
      std::string word;
      for (const char letter : run + ' ') {
        if (is_word_letter(letter)) {
          word += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
        } else if (!word.empty()) {
          words.push_back(std::move(word));
          word.clear();
        }
      }
    }
    run.clear();
  };
  for (const char letter : text) {
    if (static_cast<unsigned char>(letter) <= ' ') {
      flush();
    } else {
      run += letter;
    }
  }
  flush();
  return words;
}

std::vector<float> text_features(std::string_view text) {
  const auto words = split_words(text);
  if (words.empty()) throw DataError("its text holds no word");
  std::vector<float> features(kTextBuckets, 0.0F);
  for (const auto& word : words) add_grams(word, features);
  scale_to_length_one(features);
  add_statistics(text, words, features);
  check(features.size() == kTextBuckets + kTextStatistics, "statistics of a text");
  return features;
}

}  // namespace hardy
