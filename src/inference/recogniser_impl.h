// Implementation of Recogniser and Workspace. Internal.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hardy/mapped_file.h"
#include "hardy/recogniser.h"
#include "hardy/tensor_file.h"
#include "inference/method_network.h"
#include "inference/network.h"
#include "inference/packed_weights.h"
#include "inference/reliability.h"

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
  std::vector<predict::ReliabilityView> reliability;    ///< [M]
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
  std::vector<UtteranceView> kept;  ///< [n] utterances without what is set aside
  std::vector<Pattern> suspected;   ///< [n] or empty
  std::vector<float> judged;        ///< [2, d_m] scaled features of two utterances
};

/// Throws ConfigError for a rate that no model can have or this one cannot promise, ArtifactError
/// when it stores no reliability estimate.
void check_set_aside_rate(const Recogniser::Impl& impl, double rate);

/// The modalities of an utterance, judged by their reliability.
struct JudgedModalities {
  Pattern in_use;     ///< present and available
  Pattern suspected;  ///< of them
  Pattern remaining;  ///< in use and not suspected, or the least suspected one where all are
};

/// Judges the modalities of an utterance at options.set_aside_rate. `previous`: the features [M]
/// given last before it in its dialogue, null = none. `scratch` is overwritten.
JudgedModalities judge_modalities(const Recogniser::Impl& impl, const UtteranceView& utterance,
                                  const std::array<const float*, kMaxModalities>& previous,
                                  const PredictOptions& options, std::vector<float>& scratch);

/// Fills `suspected`, and `kept` with views that lack what is set aside. Returns `kept`.
std::span<const UtteranceView> set_aside(const Recogniser::Impl& impl,
                                         std::span<const UtteranceView> utterances,
                                         std::span<const std::int64_t> offsets,
                                         const PredictOptions& options, Workspace::Impl& workspace);

/// Turns buffers.logits [n, C] and workspace.used [n] into predictions. Throws DataError when a
/// logit is not finite.
Predictions read_out(const Recogniser::Impl& impl, std::int64_t n, Workspace::Impl& workspace);

}  // namespace hardy
