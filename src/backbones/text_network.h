// Frozen language models: token ids -> hidden states. DeBERTa (He et al., 2021, the first version),
// BERT (Devlin et al., 2019) and RoBERTa (Liu et al., 2019). Internal to backbones/.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backbones/layers.h"
#include "backbones/network_settings.h"
#include "backbones/weight_set.h"

namespace hardy {

/// One sequence of tokens.
struct TokenSequence {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> mask;   ///< 1 = a token, 0 = padding; empty = all are tokens
  std::vector<std::int64_t> types;  ///< empty = all 0
};

class TextNetwork {
 public:
  virtual ~TextNetwork() = default;

  /// Shapes: -> layers + 1 matrices [tokens, width]; the first is the embeddings. With `attention`,
  /// the first layer's probabilities [heads * tokens, tokens]. Throws as embed().
  [[nodiscard]] std::vector<Matrix> hidden_states(const TokenSequence& sequence,
                                                  Matrix* attention = nullptr) const;

  /// The sum of some states of each sequence, the same bytes as alone: the layers read all
  /// sequences together. Shapes: -> [tokens, width] each. Throws as embed().
  [[nodiscard]] std::vector<Matrix> summed_states(std::span<const TokenSequence> sequences,
                                                  StateRange range) const;

  /// State 0. Shapes: -> [tokens, width]. Throws DataError when the sequence is longer than the
  /// network reads, and for an id beyond its vocabulary.
  [[nodiscard]] virtual Matrix embed(const TokenSequence& sequence) const = 0;

  [[nodiscard]] virtual std::int64_t width() const = 0;
  [[nodiscard]] virtual std::size_t layers() const = 0;

  /// Most tokens of a sequence, special ones included; 0 = no limit.
  [[nodiscard]] virtual std::int64_t longest() const = 0;

 protected:
  /// State n -> state n + 1 of sequences whose rows follow each other in x. With `attention`, the
  /// probabilities of the last sequence.
  [[nodiscard]] virtual Matrix run_layer(std::size_t n, const Matrix& x,
                                         std::span<const TokenSequence> sequences,
                                         Matrix* attention) const = 0;
};

/// Read all required arrays of `weights`, by the names of Hugging Face's files, with or without the
/// prefix "deberta.", "bert." or "roberta.". Throw ArtifactError naming an array that is missing or
/// of another shape.
std::unique_ptr<TextNetwork> make_deberta(const NetworkSettings& settings, WeightSet weights);
std::unique_ptr<TextNetwork> make_bert(const NetworkSettings& settings, WeightSet weights);

/// By the settings' "model_type". Throws ArtifactError for other networks.
std::unique_ptr<TextNetwork> make_text_network(const NetworkSettings& settings, WeightSet weights);

}  // namespace hardy
