// Pooling of the hidden states of a text to one vector, as in the field's extraction scripts.
// Internal to backbones/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backbones/text_network.h"
#include "backbones/tokenizer.h"

namespace hardy {

/// The sentences of a text as lists of lower-case words, by GCNet's rules: cut at blanks and . , !
/// ? (a comma stays as a word), everything but a-z A-Z 0-9 , . ' ! ? removed.
std::vector<std::vector<std::string>> gcnet_sentences(std::string_view text);

/// GCNet's features: one row per word, the sum of the last `layers` states, tokens of a word
/// averaged. Shapes: -> [words, width]. Throws DataError when the text holds no word.
Matrix gcnet_word_rows(const TextNetwork& network, const Tokenizer& tokenizer,
                       std::string_view text, int layers);

/// MERBench's: the whole text at once, the sum of the last `layers` states of its tokens without
/// those of start and end. Shapes: -> [tokens, width]. Throws DataError when the text holds no
/// token or more than the network reads.
Matrix token_rows(const TextNetwork& network, const Tokenizer& tokenizer, std::string_view text,
                  int layers);

}  // namespace hardy
