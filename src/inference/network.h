// The recogniser's network over weights in a mapped file. Internal: users include recogniser.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/modality.h"
#include "hardy/recogniser.h"
#include "hardy/tensor_file.h"
#include "kernels/forward_loops.h"

namespace hardy::predict {

/// Distances beyond this share one learned bias; equals kRelativeReach of src/nn/encoder.h.
inline constexpr std::int64_t kRelationReach = 8;

/// Scale and shift of a layer norm; null without one.
struct NormView {
  const float* weight = nullptr;
  const float* bias = nullptr;
};

/// One attention unit (src/nn/encoder.h).
struct UnitView {
  LinearView qkv;  ///< as in the file: the three below together
  LinearView q;
  LinearView k;
  LinearView v;
  LinearView fc1;
  LinearView fc2;
  NormView norm1;
  NormView norm2;
  const float* relation = nullptr;  ///< [heads, entries]; null = no bias
};

/// Weights and scaling of one modality.
struct ModalityView {
  ScalingView scaling;  ///< [d_m]
  LinearView tuning1;   ///< [d_m, d_m]; empty = scaled features are embedded
  LinearView tuning2;   ///< [d_m, d_m]
  LinearView embed;
  std::vector<UnitView> units;
  NormView norm;
  LinearView joint;    ///< its block of the fusion layer, [M D, D] without bias
  LinearView decoder;  ///< to [d_m]

  [[nodiscard]] bool reads_tuned() const { return tuning1.out > 0; }
};

/// Selects the bias of a pair of utterances (src/nn/ops.h, RelationBias).
struct RelationForm {
  std::int64_t reach = 0;
  bool by_speaker = false;

  [[nodiscard]] std::int64_t entries() const { return (by_speaker ? 2 : 1) * (2 * reach + 1); }

  [[nodiscard]] std::int64_t entry(std::int64_t distance, bool same_speaker) const;
};

/// All weights. Immutable; the file that holds them must outlive this object.
struct NetworkView {
  std::int64_t hidden = 0;  ///< D
  std::int64_t heads = 1;
  std::int64_t outputs = 1;  ///< C
  bool is_linear_decoder = false;
  RelationForm relation;
  std::vector<ModalityView> modalities;
  const float* joint_bias = nullptr;  ///< [M D]
  LinearView classifier;
  LinearView decoder_hidden;

  [[nodiscard]] std::int64_t stacked() const {
    return hidden * static_cast<std::int64_t>(modalities.size());
  }
};

/// Finds the arrays "PREFIX+PARAMETER" and "scaling.*" and checks every shape. Throws ArtifactError
/// naming the array.
NetworkView make_network(const TensorFileView& file, const std::string& prefix,
                         const BundleInfo& info);

/// The part of make_network shared by all methods: outputs, widths (as embed.in) and scaling.
NetworkView make_inputs(const TensorFileView& file, const BundleInfo& info);

/// Rows of one modality in a batch.
struct ModalityRows {
  std::vector<std::int64_t> rows;       ///< batch rows that have it, ascending
  std::vector<std::int64_t> offsets;    ///< [B+1] the dialogues among them
  std::vector<std::int64_t> positions;  ///< [n_m] position in the dialogue
  std::vector<std::int64_t> speakers;   ///< [n_m]
};

/// Scratch memory of a forward pass. Grows to the largest batch and is not released.
struct Buffers {
  std::vector<ModalityRows> present;  ///< [M]
  std::vector<std::int64_t> limited;  ///< [n, M] number of clipped features
  std::vector<float> input;           ///< [n_m, d_m]
  std::vector<float> tuning;          ///< [n_m, d_m]
  std::vector<float> state;           ///< [n_m, D]
  std::vector<float> normed;          ///< [n_m, D]
  std::vector<float> qkv;             ///< [n_m, 3D]
  std::vector<float> attended;        ///< [n_m, D]
  std::vector<float> inner;           ///< [n_m, D]
  std::vector<float> scores;          ///< [L, L]
  std::vector<float> panels;          ///< keys or values of a head
  std::vector<float> part;            ///< [n_m, M D]
  std::vector<float> stacked;         ///< J [n, M D]
  std::vector<float> joint;           ///< H [n, M D]
  std::vector<float> logits;          ///< [n, C]
  std::vector<float> decoded;         ///< [n, decoder width]
  /// Attention weights if kept: by modality, [depth, heads, n_m, n_m] of the first dialogue.
  std::vector<std::vector<float>> attention;
};

/// Grows the buffer if needed; never shrinks it.
inline float* room(std::vector<float>& buffer, std::int64_t count) {
  if (static_cast<std::int64_t>(buffer.size()) < count) {
    buffer.resize(static_cast<std::size_t>(count));
  }
  return buffer.data();
}

/// Maps scaled features to the input of the embedding, in place: unchanged, or tuned (paper 3.3.1;
/// src/methods/hardymer/tuning_net.h in training). Shapes: input [n, d_m].
void transform_input(const ModalityView& modality, Rows input, std::int64_t n, Buffers& buffers);

/// One pass of a modality's rows through its units.
struct StackPass {
  const ModalityRows& rows;
  std::int64_t first_query = 0;        ///< rows before it are keys only in the last unit
  const float* first_qkv = nullptr;    ///< [n_m, 3D] of the first unit if known already
  std::vector<float>* kept = nullptr;  ///< receives the attention weights
};

/// z = E(x) of one modality, in place over buffers.state; afterwards rows from `first_query` on are
/// valid. Shapes: state [n_m, D].
void run_units(const NetworkView& network, const ModalityView& modality, const StackPass& pass,
               Buffers& buffers);

/// q, k and v of a modality's first unit, which a growing dialogue keeps. Shapes: x [n, D] -> qkv
/// [n, 3D].
void project_first_unit(const NetworkView& network, const ModalityView& modality, ConstRows x,
                        std::int64_t n, Rows qkv, Buffers& buffers);

/// H = J + ReLU(W J + b) and the logits, from buffers.stacked, which is zero for absent modalities.
/// `present[m]`: rows of modality m. Shapes: n rows.
void fuse_and_classify(const NetworkView& network, std::int64_t n, Buffers& buffers);

/// The whole pass over a batch: dialogue b is rows offsets[b] .. offsets[b+1]-1.
void run_network(const NetworkView& network, std::span<const UtteranceView> utterances,
                 std::span<const std::int64_t> offsets, const PredictOptions& options,
                 Buffers& buffers);

/// x^_m for all n rows, in the units of the features (tuned ones for a model of tuned features).
/// Shapes: -> [n, d_m].
void reconstruct(const NetworkView& network, std::size_t m, std::int64_t n, Buffers& buffers,
                 std::vector<float>& result);

}  // namespace hardy::predict
