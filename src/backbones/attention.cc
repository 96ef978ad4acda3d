#include "backbones/attention.h"

#include <algorithm>

#include "kernels/forward_loops.h"

namespace hardy {
namespace {

bool is_padding(const std::vector<std::int64_t>& mask, std::int64_t i) {
  return !mask.empty() && mask[static_cast<std::size_t>(i)] == 0;
}

/// Scores -> probabilities, row by row.
void take_shares(Matrix& scores, const std::vector<std::int64_t>& mask, bool zeroes_rows) {
  const std::int64_t tokens = scores.width;
  const bool has_key =
      mask.empty() || std::any_of(mask.begin(), mask.end(), [](auto m) { return m != 0; });
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    float* row = scores.row(i);
    if (!has_key || (zeroes_rows && is_padding(mask, i % tokens))) {
      std::fill_n(row, tokens, 0.0F);
      continue;
    }
    // Padding gets the smallest score, and its share is removed afterwards.
    const float least = *std::min_element(row, row + tokens);
    for (std::int64_t j = 0; j < tokens; ++j) {
      if (is_padding(mask, j)) row[j] = least;
    }
    predict::softmax(row, tokens, 1);
    if (mask.empty()) continue;
    double kept = 0;
    for (std::int64_t j = 0; j < tokens; ++j) {
      if (is_padding(mask, j)) row[j] = 0;
      kept += static_cast<double>(row[j]);
    }
    for (std::int64_t j = 0; j < tokens; ++j) {
      row[j] = static_cast<float>(static_cast<double>(row[j]) / kept);
    }
  }
}

}  // namespace

Matrix attend(const AttentionInput& input, const std::vector<std::int64_t>& mask, bool zeroes_rows,
              const ScoreChange& change_scores, const ScoreChange& change_shares) {
  const std::int64_t tokens = input.tokens;
  const auto of_head = [&](ConstRows all, std::int64_t head) {
    return ConstRows{all.data + head * input.head_stride, all.stride};
  };
  Matrix scores(input.heads * tokens, tokens);
  for (std::int64_t head = 0; head < input.heads; ++head) {
    multiply_transposed(tokens, tokens, input.head_width, of_head(input.query, head),
                        of_head(input.key, head), scores.row(head * tokens), tokens, input.scale);
  }
  if (change_scores) change_scores(scores);
  take_shares(scores, mask, zeroes_rows);
  if (change_shares) change_shares(scores);
  const std::int64_t width = input.heads * input.head_width;
  Matrix joined(tokens, width);
  for (std::int64_t head = 0; head < input.heads; ++head) {
    multiply_plain(tokens, input.head_width, tokens, {scores.row(head * tokens), tokens},
                   of_head(input.value, head), joined.values.data() + head * input.head_width,
                   width);
  }
  return joined;
}

}  // namespace hardy
