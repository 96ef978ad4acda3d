// Attention over one sequence. Internal to backbones/.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "backbones/layers.h"

namespace hardy {

/// Queries, keys and values of all heads; head h starts `head_stride` * h floats further on.
struct AttentionInput {
  ConstRows query;
  ConstRows key;
  ConstRows value;
  std::int64_t head_stride = 0;
  std::int64_t head_width = 0;
  std::int64_t heads = 0;
  std::int64_t tokens = 0;
  float scale = 1;  ///< of the products of queries and keys
};

/// Changes the scores of all heads before the softmax, or the probabilities behind it. Shapes:
/// [heads * tokens, tokens].
using ScoreChange = std::function<void(Matrix& scores)>;

/// Softmax over keys, then the mean of the values. Keys with mask 0 get no weight; `zeroes_rows`:
/// queries with mask 0 get a zero vector. An empty mask = all are tokens. Shapes: -> [tokens,
/// heads * head_width].
Matrix attend(const AttentionInput& input, const std::vector<std::int64_t>& mask, bool zeroes_rows,
              const ScoreChange& change_scores = {}, const ScoreChange& change_shares = {});

}  // namespace hardy
