#include "media/spectrum.h"

#include <kiss_fftr.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <numbers>

namespace hardy {
namespace {

constexpr double kLowestHz = 20;
constexpr double kHighestHz = 8000;
/// Below the quantisation noise of 16-bit samples; keeps logarithms finite.
constexpr float kLeastPower = 1e-8F;

struct FreeTransform {
  void operator()(kiss_fftr_state* state) const { kiss_fftr_free(state); }
};

double mel_of_hz(double hz) { return 1127 * std::log1p(hz / 700); }

double hz_of_mel(double mel) { return 700 * std::expm1(mel / 1127); }

/// [kMelBands, kSpectrumBins] triangles.
std::vector<float> make_mel_bank() {
  std::vector<float> bank(kMelBands * kSpectrumBins);
  std::array<double, kMelBands + 2> edges{};
  const double low = mel_of_hz(kLowestHz);
  const double step = (mel_of_hz(kHighestHz) - low) / static_cast<double>(kMelBands + 1);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    edges[i] = hz_of_mel(low + step * static_cast<double>(i));
  }
  for (std::size_t band = 0; band < kMelBands; ++band) {
    for (std::size_t bin = 0; bin < kSpectrumBins; ++bin) {
      const double hz = static_cast<double>(bin) * kBinHz;
      const double up = (hz - edges[band]) / (edges[band + 1] - edges[band]);
      const double down = (edges[band + 2] - hz) / (edges[band + 2] - edges[band + 1]);
      bank[band * kSpectrumBins + bin] = static_cast<float>(std::max(0.0, std::min(up, down)));
    }
  }
  return bank;
}

std::array<float, kFrameSamples> make_window() {
  std::array<float, kFrameSamples> window{};
  for (std::size_t i = 0; i < window.size(); ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / (kFrameSamples - 1);
    window[i] = static_cast<float>(0.54 - 0.46 * std::cos(angle));
  }
  return window;
}

}  // namespace

Spectra compute_spectra(std::span<const float> samples) {
  static const std::vector<float> bank = make_mel_bank();
  static const std::array<float, kFrameSamples> window = make_window();
  const std::unique_ptr<kiss_fftr_state, FreeTransform> transform(
      kiss_fftr_alloc(static_cast<int>(kTransformPoints), 0, nullptr, nullptr));
  if (transform == nullptr) throw std::bad_alloc();
  Spectra spectra;
  spectra.frames = frame_count(samples.size());
  spectra.power.resize(spectra.frames * kSpectrumBins);
  spectra.mel.resize(spectra.frames * kMelBands);
  std::array<float, kTransformPoints> input{};
  std::array<kiss_fft_cpx, kSpectrumBins> output{};
  for (std::size_t frame = 0; frame < spectra.frames; ++frame) {
    const float* first = samples.data() + frame * kHopSamples;
    for (std::size_t i = 0; i < kFrameSamples; ++i) input[i] = first[i] * window[i];
    kiss_fftr(transform.get(), input.data(), output.data());
    float* power = spectra.power.data() + frame * kSpectrumBins;
    for (std::size_t bin = 0; bin < kSpectrumBins; ++bin) {
      power[bin] = output[bin].r * output[bin].r + output[bin].i * output[bin].i;
    }
    for (std::size_t band = 0; band < kMelBands; ++band) {
      float sum = 0;
      const float* weights = bank.data() + band * kSpectrumBins;
      for (std::size_t bin = 0; bin < kSpectrumBins; ++bin) sum += weights[bin] * power[bin];
      spectra.mel[frame * kMelBands + band] = sum;
    }
  }
  return spectra;
}

std::vector<float> mel_cepstrum(std::span<const float> mel, std::size_t count) {
  std::vector<float> coefficients(count);
  for (std::size_t k = 1; k <= count; ++k) {
    double sum = 0;
    for (std::size_t band = 0; band < kMelBands; ++band) {
      const double angle = std::numbers::pi * static_cast<double>(k) *
                           (static_cast<double>(band) + 0.5) / static_cast<double>(kMelBands);
      sum += std::log(static_cast<double>(std::max(mel[band], kLeastPower))) * std::cos(angle);
    }
    coefficients[k - 1] = static_cast<float>(sum * std::sqrt(2.0 / static_cast<double>(kMelBands)));
  }
  return coefficients;
}

}  // namespace hardy
