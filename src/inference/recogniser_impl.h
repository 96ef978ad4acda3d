// Implementation of Recogniser and Workspace. Internal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hardy/mapped_file.h"
#include "hardy/recogniser.h"
#include "hardy/tensor_file.h"
#include "inference/method_network.h"
#include "inference/network.h"
#include "inference/packed_weights.h"

namespace hardy {

struct Recogniser::Impl {
  /// Layout of the weights after loading.
  enum class Weights {
    kPacked,  ///< packed for products
    kPlain    ///< as in the file; prediction is not possible
  };

  explicit Impl(const std::filesystem::path& file, Residence residence = Residence::kMapped,
                Weights weights = Weights::kPacked);

  MappedFile mapped;
  TensorFileView contents;
  BundleInfo info;
  predict::NetworkView network;  ///< for other methods: outputs, widths and scaling only
  predict::PackedWeights packed;
  std::unique_ptr<const predict::MethodNetwork> other;  ///< null for HARDY-MER's recognisers
  std::string fingerprint;
  std::vector<float> temperatures;  ///< by pattern bits; 0 = not fitted
  std::vector<float> errors;        ///< by pattern bits; values only

  /// Runs `other`. Requires: `other` is not null.
  void run_other(const predict::DialogueRows& rows, predict::Buffers& buffers) const;

 private:
  void load_other(const std::string& file);
};

struct Workspace::Impl {
  predict::Buffers buffers;
  std::vector<float> probabilities;
  std::vector<float> raw_probabilities;
  std::vector<std::int64_t> labels;
  std::vector<float> confidence;
  std::vector<std::uint8_t> calibrated;
  std::vector<Pattern> used;
  std::vector<std::vector<float>> reconstruction;  ///< [M]
  std::vector<std::int64_t> offsets;
};

/// Turns buffers.logits [n, C] and workspace.used [n] into predictions. Throws DataError when a
/// logit is not finite.
Predictions read_out(const Recogniser::Impl& impl, std::int64_t n, Workspace::Impl& workspace);

}  // namespace hardy
