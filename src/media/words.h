// Text features of an utterance without learned weights: hashed character n-grams and a lexicon.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

inline constexpr const char* kTextMaker = "hardy-text-1";
/// Signed buckets of character 3- to 5-grams, then statistics of the lexicon and of the writing.
inline constexpr std::size_t kTextBuckets = 256;
inline constexpr std::size_t kTextStatistics = 12;

/// Words in lower case (ASCII letters only): runs of letters, digits, apostrophes and anything
/// beyond ASCII, and the emoticons of the lexicon.
std::vector<std::string> split_words(std::string_view text);

/// Features of a text in UTF-8. Shapes: -> [kTextBuckets + kTextStatistics], all finite. The bucket
/// vector has length 1. Statistics: sum and mean valence of the known words, of the positive ones,
/// of the negative ones; highest and lowest valence; share of known words; log of the number of
/// words; exclamation and question marks per word; share of capitals among letters. A word's
/// valence is reversed when one of the three words before it is a negation. Throws DataError with
/// the reason for a text without words.
std::vector<float> text_features(std::string_view text);

}  // namespace hardy
