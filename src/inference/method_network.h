// Forward passes of the methods other than HARDY-MER's recogniser behind one interface, for
// prediction, explanation, streaming and serving. Internal.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "inference/network.h"
#include "kernels/panels.h"

namespace hardy::predict {

/// Utterances of a call: dialogue b is rows offsets[b] .. offsets[b+1]-1. Present modalities
/// outside `available` are not used.
struct DialogueRows {
  std::span<const UtteranceView> utterances;  ///< [n]
  std::span<const std::int64_t> offsets;      ///< [B+1]
  Pattern available;

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(utterances.size()); }

  [[nodiscard]] bool shows(std::int64_t row, std::size_t m) const {
    return utterances[static_cast<std::size_t>(row)].features[m] != nullptr &&
           available.has(static_cast<int>(m));
  }
};

/// The network of a stored model. Immutable; safe from several threads with Buffers each.
class MethodNetwork {
 public:
  virtual ~MethodNetwork() = default;

  /// Whether an output depends on the other utterances of the dialogue.
  [[nodiscard]] virtual bool reads_context() const { return false; }

  /// Fills buffers.logits [n, C] and buffers.limited [n, M].
  virtual void run(const DialogueRows& rows, Buffers& buffers) const = 0;
};

/// The network of a method other than HARDY-MER and modality_dropout, named by stored_method(info).
/// Throws ArtifactError when an array is missing or of another shape, or the method is unknown.
std::unique_ptr<const MethodNetwork> make_method_network(const TensorFileView& file,
                                                         const BundleInfo& info);

/// Makes the network of a stored model.
using NetworkFactory = std::unique_ptr<const MethodNetwork> (*)(const TensorFileView& file,
                                                                const BundleInfo& info);

/// Lets this program run models of a method of its own. Call it before any model is loaded, from
/// one thread. Throws ConfigError when the method has a network already.
void add_network(const std::string& method, NetworkFactory make);

/// The networks that read the context.
std::unique_ptr<const MethodNetwork> make_momke_network(const TensorFileView& file,
                                                        const BundleInfo& info);
std::unique_ptr<const MethodNetwork> make_gcnet_network(const TensorFileView& file,
                                                        const BundleInfo& info);

std::unique_ptr<const MethodNetwork> make_context_network(const TensorFileView& file,
                                                          const BundleInfo& info);

std::unique_ptr<const MethodNetwork> make_crossfit_network(const TensorFileView& file,
                                                           const BundleInfo& info);

/// CPM-Net (cpm_forward.cc).
std::unique_ptr<const MethodNetwork> make_cpm_network(const TensorFileView& file,
                                                      const BundleInfo& info);

/// A linear layer that owns its packed weights.
class Dense {
 public:
  Dense() = default;

  /// Reads "NAME.weight" [out, in] and, if present, "NAME.bias" [out]. Throws ArtifactError when
  /// the weight is missing or no matrix.
  Dense(const TensorFileView& file, const std::string& name);

  /// From a bare matrix [out, in] and an optional bias [out].
  Dense(ConstRows weight, std::int64_t in, std::int64_t out, std::span<const float> bias);

  /// y = x W^T + b, or += with `accumulates`. Shapes: x [n, in] -> y [n, out].
  void run(ConstRows x, std::int64_t n, Rows y, bool accumulates = false) const;

  [[nodiscard]] std::int64_t in() const { return panels_.in; }

  [[nodiscard]] std::int64_t out() const { return panels_.out; }

 private:
  void take(ConstRows weight, std::int64_t in, std::int64_t out, std::span<const float> bias);

  std::vector<float> place_;
  std::vector<float> bias_;
  PanelView panels_;
};

/// The values of "NAME" with its shape checked. Throws ArtifactError.
std::span<const float> checked_array(const TensorFileView& file, const std::string& name,
                                     const std::vector<std::int64_t>& shape);

/// A matrix that owns its memory. Shapes: [rows, width].
struct Matrix {
  std::vector<float> values;
  std::int64_t width = 0;

  Matrix() = default;

  Matrix(std::int64_t rows, std::int64_t w)
      : values(static_cast<std::size_t>(rows * w), 0.0F), width(w) {}

  [[nodiscard]] Rows all() { return {values.data(), width}; }

  [[nodiscard]] ConstRows all() const { return {values.data(), width}; }

  [[nodiscard]] ConstRows constant() const { return {values.data(), width}; }
};

/// Scaling of the features of every modality.
class Scalings {
 public:
  Scalings(const TensorFileView& file, const BundleInfo& info);

  /// Scaled features of modality m in the rows that have it, zeros (the mean) in the others;
  /// `buffers.limited` counts clipped values. Shapes: -> [n, stride] from `first`.
  void fill(const DialogueRows& rows, std::size_t m, Rows target, Buffers& buffers) const;

  [[nodiscard]] std::size_t modalities() const { return widths_.size(); }

  [[nodiscard]] std::int64_t width(std::size_t m) const { return widths_[m]; }

  [[nodiscard]] std::int64_t all_widths() const;

  /// All modalities concatenated. Shapes: -> [n, sum of widths].
  [[nodiscard]] Matrix side_by_side(const DialogueRows& rows, Buffers& buffers) const;

 private:
  std::vector<ScalingView> views_;
  std::vector<std::int64_t> widths_;
};

}  // namespace hardy::predict
