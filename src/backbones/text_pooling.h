// Pooling of the hidden states of a text to one vector, as in the field's extraction scripts.
// Internal to backbones/.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backbones/text_network.h"
#include "backbones/tokenizer.h"

namespace hardy {

/// The sentences of a text as lists of lower-case words, by GCNet's rules: cut at blanks and . , !
/// ? (a comma stays as a word), everything but a-z A-Z 0-9 , . ' ! ? removed.
std::vector<std::vector<std::string>> gcnet_sentences(std::string_view text);

/// A text as the sequences that a network reads.
struct TextParts {
  /// A word with its tokens.
  struct Word {
    std::string text;
    std::vector<std::string> tokens;
  };

  std::vector<TokenSequence> sequences;
  std::vector<std::vector<Word>> words;  ///< GCNet's, of each sequence; else empty
};

/// GCNet's parts: sentences. Throws DataError when the text holds no word.
TextParts gcnet_parts(const Tokenizer& tokenizer, std::string_view text);

/// MERBench's: the whole text. Throws DataError when it holds no token.
TextParts whole_parts(const Tokenizer& tokenizer, std::string_view text);

/// The rows of a text whose mean is its vector: one per word, its tokens averaged, if there are
/// words; else one per token without those of start and end. Shapes: sums [tokens, width] of each
/// sequence -> [words or tokens, width]. Throws DataError when no word is among the tokens.
Matrix pooled_rows(const TextParts& parts, std::span<const Matrix> sums);

}  // namespace hardy
