#include "media/contours.h"

#include <algorithm>
#include <cmath>

#include "media/formants.h"
#include "media/pitch.h"
#include "media/spectrum.h"

namespace hardy {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
constexpr double kLeast = 1e-10;
constexpr double kFrameSeconds = static_cast<double>(kHopSamples) / 16000;

double decibels(double power) { return 10 * std::log10(std::max(power, kLeast)); }

std::size_t bin_of(double hz) {
  const auto bin = static_cast<std::size_t>(std::lround(std::max(0.0, hz) / kBinHz));
  return std::min(bin, kSpectrumBins - 1);
}

double band_power(std::span<const float> power, double low_hz, double high_hz) {
  double sum = 0;
  for (std::size_t bin = bin_of(low_hz); bin < bin_of(high_hz); ++bin) {
    sum += static_cast<double>(power[bin]);
  }
  return sum;
}

double strongest(std::span<const float> power, double low_hz, double high_hz) {
  const auto first = power.begin() + static_cast<std::ptrdiff_t>(bin_of(low_hz));
  const auto last = power.begin() + static_cast<std::ptrdiff_t>(bin_of(high_hz)) + 1;
  return static_cast<double>(*std::max_element(first, std::min(last, power.end())));
}

/// Least-squares slope of the level over frequency, dB per Hz.
double spectral_slope(std::span<const float> power, double low_hz, double high_hz) {
  double n = 0;
  double sx = 0;
  double sy = 0;
  double sxx = 0;
  double sxy = 0;
  for (std::size_t bin = bin_of(low_hz); bin <= bin_of(high_hz); ++bin) {
    const double x = static_cast<double>(bin) * kBinHz;
    const double y = decibels(static_cast<double>(power[bin]));
    n += 1;
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

double spectral_flux(std::span<const float> before, std::span<const float> now) {
  double norm_before = kLeast;
  double norm_now = kLeast;
  double product = 0;
  for (std::size_t bin = 0; bin < kSpectrumBins; ++bin) {
    norm_before += static_cast<double>(before[bin]);
    norm_now += static_cast<double>(now[bin]);
    product += std::sqrt(static_cast<double>(before[bin]) * static_cast<double>(now[bin]));
  }
  return std::sqrt(std::max(0.0, 2 - 2 * product / std::sqrt(norm_before * norm_now)));
}

/// Moving average over three frames, without frames that have no value.
void smooth(Contour& contour) {
  Contour smoothed(contour.size(), kNone);
  for (std::size_t i = 0; i < contour.size(); ++i) {
    if (std::isnan(contour[i])) continue;
    float sum = 0;
    float count = 0;
    for (std::size_t j = i > 0 ? i - 1 : 0; j <= std::min(i + 1, contour.size() - 1); ++j) {
      if (std::isnan(contour[j])) continue;
      sum += contour[j];
      count += 1;
    }
    smoothed[i] = sum / count;
  }
  contour = std::move(smoothed);
}

/// The descriptors of one voiced frame that relate harmonics and formants.
void add_voice(std::span<const float> power, double pitch_hz, std::span<const float> frame,
               std::size_t at, Contours& contours) {
  const auto harmonic = [&](double hz) {
    const double reach = std::max(0.4 * pitch_hz, kBinHz);
    return decibels(strongest(power, hz - reach, hz + reach));
  };
  const double first = harmonic(pitch_hz);
  contours.first_harmonics[at] = static_cast<float>(first - harmonic(2 * pitch_hz));
  const auto formants = find_formants(frame);
  for (std::size_t i = 0; i < formants.size(); ++i) {
    if (formants[i].hz <= 0) continue;
    contours.formant_hz[i][at] = static_cast<float>(formants[i].hz);
    contours.formant_bandwidth[i][at] = static_cast<float>(formants[i].bandwidth);
    contours.formant_level[i][at] = static_cast<float>(harmonic(formants[i].hz) - first);
  }
  if (formants[2].hz > 0) {
    contours.first_to_third[at] = static_cast<float>(first - harmonic(formants[2].hz));
  }
}

void add_spectrum(const Spectra& spectra, std::size_t at, Contours& contours) {
  const auto power = spectra.power_of(at);
  double loudness = 0;
  for (const float band : spectra.mel_of(at)) loudness += std::cbrt(static_cast<double>(band));
  contours.loudness[at] = static_cast<float>(loudness);
  contours.flux[at] =
      static_cast<float>(at == 0 ? 0 : spectral_flux(spectra.power_of(at - 1), power));
  const auto cepstrum = mel_cepstrum(spectra.mel_of(at), contours.mfcc.size());
  for (std::size_t k = 0; k < cepstrum.size(); ++k) contours.mfcc[k][at] = cepstrum[k];
  contours.alpha_ratio[at] = static_cast<float>(decibels(band_power(power, 50, 1000)) -
                                                decibels(band_power(power, 1000, 5000)));
  contours.hammarberg[at] = static_cast<float>(decibels(strongest(power, 0, 2000)) -
                                               decibels(strongest(power, 2000, 5000)));
  contours.slope_low[at] = static_cast<float>(spectral_slope(power, 0, 500));
  contours.slope_high[at] = static_cast<float>(spectral_slope(power, 500, 1500));
}

Contours empty_contours(std::size_t frames) {
  Contours contours;
  contours.frames = frames;
  contours.voiced.assign(frames, false);
  const Contour none(frames, kNone);
  for (Contour* each : {&contours.pitch, &contours.loudness, &contours.flux, &contours.harmonicity,
                        &contours.first_harmonics, &contours.first_to_third, &contours.alpha_ratio,
                        &contours.hammarberg, &contours.slope_low, &contours.slope_high}) {
    *each = none;
  }
  contours.mfcc.assign(4, none);
  contours.formant_hz.assign(3, none);
  contours.formant_bandwidth.assign(3, none);
  contours.formant_level.assign(3, none);
  return contours;
}

void smooth_all(Contours& contours) {
  for (Contour* each :
       {&contours.pitch, &contours.loudness, &contours.flux, &contours.jitter, &contours.shimmer,
        &contours.harmonicity, &contours.first_harmonics, &contours.first_to_third,
        &contours.alpha_ratio, &contours.hammarberg, &contours.slope_low, &contours.slope_high}) {
    smooth(*each);
  }
  for (auto* group : {&contours.mfcc, &contours.formant_hz, &contours.formant_bandwidth,
                      &contours.formant_level}) {
    for (Contour& each : *group) smooth(each);
  }
}

}  // namespace

Contours compute_contours(std::span<const float> samples) {
  const Spectra spectra = compute_spectra(samples);
  const PitchTrack pitch = track_pitch(samples);
  CycleTrack cycles = track_cycles(samples, pitch);
  Contours contours = empty_contours(spectra.frames);
  contours.jitter = std::move(cycles.jitter);
  contours.shimmer = std::move(cycles.shimmer_db);
  for (std::size_t at = 0; at < spectra.frames; ++at) {
    add_spectrum(spectra, at, contours);
    if (!pitch.is_voiced(at)) continue;
    contours.voiced[at] = true;
    const double hz = static_cast<double>(pitch.hz[at]);
    contours.pitch[at] = static_cast<float>(12 * std::log2(hz / 27.5));
    const double r = std::clamp(static_cast<double>(pitch.correlation[at]), 1e-3, 1 - 1e-4);
    contours.harmonicity[at] = static_cast<float>(10 * std::log10(r / (1 - r)));
    add_voice(spectra.power_of(at), hz, samples.subspan(at * kHopSamples, kFrameSamples), at,
              contours);
  }
  smooth_all(contours);
  double energy = 0;
  for (const float sample : samples) {
    energy += static_cast<double>(sample) * static_cast<double>(sample);
  }
  contours.level_db =
      decibels(energy / static_cast<double>(std::max<std::size_t>(samples.size(), 1)));
  return contours;
}

Moments moments_of(const Contour& contour, bool is_positive) {
  double n = 0;
  double sum = 0;
  double squares = 0;
  for (const float value : contour) {
    if (std::isnan(value)) continue;
    n += 1;
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  if (n == 0) return {};
  Moments moments{sum / n, 0};
  moments.spread = std::sqrt(std::max(0.0, squares / n - moments.mean * moments.mean));
  if (is_positive) moments.spread = moments.mean > kLeast ? moments.spread / moments.mean : 0;
  return moments;
}

double percentile_of(const Contour& contour, double share) {
  std::vector<float> values;
  std::copy_if(contour.begin(), contour.end(), std::back_inserter(values),
               [](float value) { return !std::isnan(value); });
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, values.size() - 1);
  const double part = place - static_cast<double>(below);
  return (1 - part) * static_cast<double>(values[below]) +
         part * static_cast<double>(values[above]);
}

Slopes slopes_of(const Contour& contour) {
  Contour rising;
  Contour falling;
  std::size_t start = 0;
  const auto close = [&](std::size_t end) {  // a monotone stretch from start to end
    if (end <= start) return;
    const double change = static_cast<double>(contour[end]) - static_cast<double>(contour[start]);
    const double slope = change / (static_cast<double>(end - start) * kFrameSeconds);
    if (slope > 0) rising.push_back(static_cast<float>(slope));
    if (slope < 0) falling.push_back(static_cast<float>(slope));
  };
  for (std::size_t i = 1; i < contour.size(); ++i) {
    if (std::isnan(contour[i]) || std::isnan(contour[i - 1])) {
      if (!std::isnan(contour[i - 1])) close(i - 1);
      start = i;
      continue;
    }
    const bool turns =
        i > start + 1 && (contour[i] > contour[i - 1]) != (contour[i - 1] > contour[i - 2]);
    if (!turns) continue;
    close(i - 1);
    start = i - 1;
  }
  if (!contour.empty() && !std::isnan(contour.back())) close(contour.size() - 1);
  return {moments_of(rising, false), moments_of(falling, false)};
}

}  // namespace hardy
