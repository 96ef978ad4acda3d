// Differentiable operations on packed rows. Every operation has a fast path for float32 on the CPU
// and a plain ATen path for every other device and type; both have the same gradient.
//
// Shapes: n rows (utterances of a batch, packed dialogue after dialogue), D width.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace hardy {

/// y = x W^T + b.
/// Shapes: x [n, in], weight [out, in], bias [out] or undefined -> [n, out].
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// Adjacent columns of a wide input that only some rows have, e.g. the features of a modality.
struct InputBlock {
  at::Tensor x;                    ///< [k, d]
  std::vector<std::int64_t> rows;  ///< [k] the rows (of n) that have the block, ascending

  [[nodiscard]] bool covers(std::int64_t n) const {
    return static_cast<std::int64_t>(rows.size()) == n;
  }
};

/// y = X W^T + b, where X has the blocks side by side and zeros in rows without a block; these
/// zeros are never multiplied. Blocks get no gradient. Shapes: blocks of n rows with sum d = in,
/// weight [out, in], bias [out] -> [n, out].
at::Tensor linear_of_blocks(const std::vector<InputBlock>& blocks, std::int64_t n,
                            const at::Tensor& weight, const at::Tensor& bias);

/// Rows that attend to each other: segment s is rows offsets[s] .. offsets[s+1]-1. Empty segments
/// are allowed.
struct Segments {
  std::vector<std::int64_t> offsets;    ///< [S+1], ascending, starts at 0, ends at n
  std::vector<std::int64_t> positions;  ///< [n] position in the dialogue; read with a bias only
  std::vector<std::int64_t> speakers;   ///< [n] speaker number; read with a bias only

  [[nodiscard]] std::int64_t rows() const { return offsets.empty() ? 0 : offsets.back(); }
};

/// Attention bias by distance and by speakers of two utterances.
struct RelationBias {
  at::Tensor table;         ///< [heads, entries]; undefined = no bias
  std::int64_t reach = 0;   ///< larger distances share an entry; 0 = no bias by distance
  bool by_speaker = false;  ///< separate entries for same and other speaker

  [[nodiscard]] std::int64_t entries() const { return (by_speaker ? 2 : 1) * (2 * reach + 1); }

  /// The entry for a key `distance` positions after the query.
  [[nodiscard]] std::int64_t entry(std::int64_t distance, bool same_speaker) const;
};

/// Multi-head self-attention within segments: per head, softmax(q k^T / sqrt(D/heads) + bias) v,
/// without output projection. Shapes: qkv [n, 3D] (q, k, v side by side, heads contiguous inside
/// each) -> [n, D].
at::Tensor self_attention(const at::Tensor& qkv, const Segments& segments, std::int64_t heads,
                          const RelationBias& bias = {});

/// Multi-head attention of the rows of x to the rows of y in the same segment; a query whose
/// segment has no key gets zeros. Shapes: q [n_x, D], kv [n_y, 2D] -> [n_x, D]. Both Segments have
/// the same number of segments.
at::Tensor cross_attention(const at::Tensor& q, const at::Tensor& kv, const Segments& queries,
                           const Segments& keys, std::int64_t heads);

/// One direction of an LSTM layer from zero states (c = f c + i g, h = o tanh(c), as in PyTorch),
/// over rows in the order of the steps: the first rows of all sequences, then the second rows, and
/// so on, longer sequences first. `runs_backwards`: from the last row of a sequence to its first.
/// Shapes: gates [n, 4D], the input's part of i, f, g, o with their biases; weight [4D, D] of the
/// state; step_sizes: rows of each step, sum n -> states [n, D]. Requires: step_sizes does not
/// increase.
at::Tensor lstm(const at::Tensor& gates, const at::Tensor& weight,
                const std::vector<std::int64_t>& step_sizes, bool runs_backwards);

/// Source of dropout masks: a named random stream, or none outside training. One object serves one
/// forward pass; every call of next() is one layer.
class DropoutStream {
 public:
  /// Evaluation: dropout is the identity.
  DropoutStream() = default;

  /// Training: masks are a function of `key` and the position of the layer in the pass.
  explicit DropoutStream(std::uint64_t key) : key_(key), is_training_(true) {}

  [[nodiscard]] bool is_training() const { return is_training_; }

  std::uint64_t next();

 private:
  std::uint64_t key_ = 0;
  std::uint64_t layer_ = 0;
  bool is_training_ = false;
};

/// x with each entry zeroed with probability p and the others scaled by 1 / (1 - p).
at::Tensor dropout(const at::Tensor& x, double p, DropoutStream& stream);

/// dropout(gelu(x)), the exact (erf) GELU.
at::Tensor gelu_dropout(const at::Tensor& x, double p, DropoutStream& stream);

/// dropout(relu(x)).
at::Tensor relu_dropout(const at::Tensor& x, double p, DropoutStream& stream);

/// sum_i w_i ||x_i - y_i||^2 / D, the reconstruction error (paper Eq. 2); no gradient to y or w.
/// Shapes: x, y [n, D], row_weights [n] -> [].
at::Tensor weighted_squared_error(const at::Tensor& x, const at::Tensor& y,
                                  const at::Tensor& row_weights);

/// Entropy of the softmax over the entries of a row, for the pseudo mutual information (paper Eq.
/// 4-8): with p = clamp(softmax(f), 1e-6, 1), -sum p ln(p + 1e-7). Shapes: f [n, D] -> [n]. Units:
/// nats, in [0, ln D].
at::Tensor softmax_entropy(const at::Tensor& f);

}  // namespace hardy
