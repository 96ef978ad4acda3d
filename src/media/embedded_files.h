// Embedded data files (src/media/models, THIRD_PARTY.md).
#pragma once

#include <string_view>

namespace hardy {

/// A word, a tab, its mean valence in [-4, 4], on each line.
std::string_view sentiment_words();

/// Graph and weights of the facial expression network, in the form of TensorFlow.js.
std::string_view expression_graph();
std::string_view expression_weights();

}  // namespace hardy
