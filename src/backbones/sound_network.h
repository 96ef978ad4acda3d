// Frozen networks of speech: samples -> frames. wav2vec (Schneider et al., 2019, fairseq), wav2vec
// 2.0 (Baevski et al., 2020), HuBERT (Hsu et al., 2021) and WavLM (Chen et al., 2022). Internal to
// backbones/.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backbones/layers.h"
#include "backbones/network_settings.h"
#include "backbones/weight_set.h"

namespace hardy {

/// The two outputs of wav2vec. Shapes: [frames of 10 ms, width].
struct Wav2vecFrames {
  Matrix encoder;  ///< z
  Matrix context;  ///< c
};

class Wav2vec {
 public:
  /// Settings and shapes come from the file itself (WeightSet::arguments). Throws ArtifactError.
  explicit Wav2vec(WeightSet weights);
  ~Wav2vec();
  Wav2vec(Wav2vec&&) noexcept;
  Wav2vec& operator=(Wav2vec&&) noexcept;

  /// Shapes: samples [n] at 16 kHz, full scale 1, one whole utterance, because the norms cover all
  /// of it. Throws DataError when it is too short for a frame.
  [[nodiscard]] Wav2vecFrames frames(std::span<const float> samples) const;

  [[nodiscard]] std::int64_t context_width() const;
  [[nodiscard]] std::int64_t encoder_width() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The strides and kernels of an expression like "[(512, 10, 5)] + [(512, 4, 2)] * 3". Throws
/// ArtifactError, naming `file`, for anything that is not such a list.
struct ConvolutionShape {
  std::int64_t channels = 0;
  std::int64_t kernel = 0;
  std::int64_t stride = 0;
};

std::vector<ConvolutionShape> parse_convolutions(const std::string& text, const std::string& file);

/// wav2vec 2.0, HuBERT or WavLM, by the settings' model_type.
class SpeechEncoder {
 public:
  SpeechEncoder(const NetworkSettings& settings, WeightSet weights);
  ~SpeechEncoder();
  SpeechEncoder(SpeechEncoder&&) noexcept;
  SpeechEncoder& operator=(SpeechEncoder&&) noexcept;

  /// Shapes: samples [n] at 16 kHz, normalised if the network requires it -> layers + 1 matrices
  /// [frames of 20 ms, width]. Throws DataError when it is too short for a frame.
  [[nodiscard]] std::vector<Matrix> hidden_states(std::span<const float> samples) const;

  [[nodiscard]] std::int64_t width() const;
  [[nodiscard]] std::size_t layers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Length of the pieces into which MERBench cuts longer recordings, samples.
inline constexpr std::size_t kMerbenchPiece = 160000;

/// The sum of some states of all frames. With `piece` > 0 a longer recording is cut
/// into pieces, the last one filled with zeros, whose frames follow each other. Shapes: ->
/// [frames, width].
Matrix summed_frames(const SpeechEncoder& network, std::span<const float> samples, StateRange range,
                     std::size_t piece);

/// (x - mean) / sqrt(variance + 1e-7).
std::vector<float> normalised_samples(std::span<const float> samples);

}  // namespace hardy
