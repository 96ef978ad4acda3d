// Short-time spectra of speech, the basis of most acoustic descriptors.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace hardy {

/// Frames of 25 ms every 10 ms at 16 kHz, transformed with 512 points.
inline constexpr std::size_t kFrameSamples = 400;
inline constexpr std::size_t kHopSamples = 160;
inline constexpr std::size_t kTransformPoints = 512;
inline constexpr std::size_t kSpectrumBins = kTransformPoints / 2 + 1;
inline constexpr std::size_t kMelBands = 26;
/// Width of a bin in Hz.
inline constexpr double kBinHz = 16000.0 / static_cast<double>(kTransformPoints);

/// Number of frames in so many samples; 0 below one frame.
constexpr std::size_t frame_count(std::size_t samples) {
  return samples < kFrameSamples ? 0 : 1 + (samples - kFrameSamples) / kHopSamples;
}

/// Power spectra of all frames.
struct Spectra {
  std::size_t frames = 0;
  std::vector<float> power;  ///< [frames, kSpectrumBins] squared magnitude of the Hamming window
  std::vector<float> mel;    ///< [frames, kMelBands] power in triangular bands, 20 to 8000 Hz

  [[nodiscard]] std::span<const float> power_of(std::size_t frame) const {
    return std::span(power).subspan(frame * kSpectrumBins, kSpectrumBins);
  }

  [[nodiscard]] std::span<const float> mel_of(std::size_t frame) const {
    return std::span(mel).subspan(frame * kMelBands, kMelBands);
  }
};

/// Spectra of samples in [-1, 1] at 16 kHz.
Spectra compute_spectra(std::span<const float> samples);

/// Cosine transform of log mel powers. Shapes: mel [kMelBands] -> coefficients 1 .. `count`.
std::vector<float> mel_cepstrum(std::span<const float> mel, std::size_t count);

}  // namespace hardy
