#include "media/acoustic.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "hardy/errors.h"
#include "media/contours.h"
#include "media/spectrum.h"

namespace hardy {
namespace {

constexpr std::size_t kShortestSamples = 1600;
constexpr double kFramesPerSecond = 16000.0 / static_cast<double>(kHopSamples);

/// Collects values under their names.
class Values {
 public:
  void add(const std::string& name, double value) {
    names.push_back(name);
    values.push_back(std::isfinite(value) ? static_cast<float>(value) : 0.0F);
  }

  void add_moments(const std::string& name, const Contour& contour, bool is_positive) {
    const Moments moments = moments_of(contour, is_positive);
    add(name + "_amean", moments.mean);
    add(name + "_stddevNorm", moments.spread);
  }

  void add_course(const std::string& name, const Contour& contour) {
    add_moments(name, contour, true);
    const double low = percentile_of(contour, 0.2);
    const double high = percentile_of(contour, 0.8);
    add(name + "_percentile20.0", low);
    add(name + "_percentile50.0", percentile_of(contour, 0.5));
    add(name + "_percentile80.0", high);
    add(name + "_pctlrange0-2", high - low);
    const Slopes slopes = slopes_of(contour);
    add(name + "_meanRisingSlope", slopes.rising.mean);
    add(name + "_stddevRisingSlope", slopes.rising.spread);
    add(name + "_meanFallingSlope", slopes.falling.mean);
    add(name + "_stddevFallingSlope", slopes.falling.spread);
  }

  std::vector<std::string> names;
  std::vector<float> values;
};

/// The values of voiced frames, or of unvoiced ones.
Contour only(const Contour& contour, const std::vector<bool>& voiced, bool wanted) {
  Contour kept;
  for (std::size_t i = 0; i < contour.size(); ++i) {
    if (voiced[i] == wanted) kept.push_back(contour[i]);
  }
  return kept;
}

/// Lengths in seconds of voiced stretches, or of unvoiced ones.
Contour stretch_lengths(const std::vector<bool>& voiced, bool wanted) {
  Contour lengths;
  for (std::size_t i = 0; i < voiced.size();) {
    std::size_t end = i;
    while (end < voiced.size() && voiced[end] == voiced[i]) ++end;
    if (voiced[i] == wanted) {
      lengths.push_back(static_cast<float>(static_cast<double>(end - i) / kFramesPerSecond));
    }
    i = end;
  }
  return lengths;
}

double peak_rate(const Contour& loudness) {
  std::size_t peaks = 0;
  for (std::size_t i = 1; i + 1 < loudness.size(); ++i) {
    if (loudness[i] > loudness[i - 1] && loudness[i] >= loudness[i + 1]) ++peaks;
  }
  return static_cast<double>(peaks) * kFramesPerSecond / static_cast<double>(loudness.size());
}

void add_voice_quality(const Contours& c, Values& values) {
  values.add_moments("jitterLocal_sma3nz", c.jitter, true);
  values.add_moments("shimmerLocaldB_sma3nz", c.shimmer, true);
  values.add_moments("HNRdBACF_sma3nz", c.harmonicity, false);
  values.add_moments("logRelF0-H1-H2_sma3nz", c.first_harmonics, false);
  values.add_moments("logRelF0-H1-A3_sma3nz", c.first_to_third, false);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string formant = "F" + std::to_string(i + 1);
    values.add_moments(formant + "frequency_sma3nz", c.formant_hz[i], true);
    values.add_moments(formant + "bandwidth_sma3nz", c.formant_bandwidth[i], true);
    values.add_moments(formant + "amplitudeLogRelF0_sma3nz", c.formant_level[i], false);
  }
}

void add_by_voicing(const Contours& c, Values& values) {
  const auto voiced = [&](const Contour& contour) { return only(contour, c.voiced, true); };
  const auto unvoiced = [&](const char* name, const Contour& contour) {
    values.add(name, moments_of(only(contour, c.voiced, false), false).mean);
  };
  values.add_moments("alphaRatioV_sma3nz", voiced(c.alpha_ratio), false);
  values.add_moments("hammarbergIndexV_sma3nz", voiced(c.hammarberg), false);
  values.add_moments("slopeV0-500_sma3nz", voiced(c.slope_low), false);
  values.add_moments("slopeV500-1500_sma3nz", voiced(c.slope_high), false);
  values.add_moments("spectralFluxV_sma3nz", voiced(c.flux), true);
  for (std::size_t k = 0; k < c.mfcc.size(); ++k) {
    values.add_moments("mfcc" + std::to_string(k + 1) + "V_sma3nz", voiced(c.mfcc[k]), false);
  }
  unvoiced("alphaRatioUV_sma3nz_amean", c.alpha_ratio);
  unvoiced("hammarbergIndexUV_sma3nz_amean", c.hammarberg);
  unvoiced("slopeUV0-500_sma3nz_amean", c.slope_low);
  unvoiced("slopeUV500-1500_sma3nz_amean", c.slope_high);
  unvoiced("spectralFluxUV_sma3nz_amean", c.flux);
}

void add_rhythm(const Contours& c, Values& values) {
  const Contour voiced = stretch_lengths(c.voiced, true);
  const Moments spoken = moments_of(voiced, false);
  const Moments silent = moments_of(stretch_lengths(c.voiced, false), false);
  values.add("loudnessPeaksPerSec", peak_rate(c.loudness));
  values.add("VoicedSegmentsPerSec",
             static_cast<double>(voiced.size()) * kFramesPerSecond / static_cast<double>(c.frames));
  values.add("MeanVoicedSegmentLengthSec", spoken.mean);
  values.add("StddevVoicedSegmentLengthSec", spoken.spread);
  values.add("MeanUnvoicedSegmentLength", silent.mean);
  values.add("StddevUnvoicedSegmentLength", silent.spread);
  values.add("equivalentSoundLevel_dBp", c.level_db);
}

Values summarise(const Contours& c) {
  Values values;
  values.add_course("F0semitoneFrom27.5Hz_sma3nz", c.pitch);
  values.add_course("loudness_sma3", c.loudness);
  values.add_moments("spectralFlux_sma3", c.flux, true);
  for (std::size_t k = 0; k < c.mfcc.size(); ++k) {
    values.add_moments("mfcc" + std::to_string(k + 1) + "_sma3", c.mfcc[k], false);
  }
  add_voice_quality(c, values);
  add_by_voicing(c, values);
  add_rhythm(c, values);
  return values;
}

}  // namespace

const std::vector<std::string>& acoustic_names() {
  static const std::vector<std::string> names =
      summarise(compute_contours(std::vector<float>(kShortestSamples))).names;
  return names;
}

std::vector<float> acoustic_features(std::span<const std::int16_t> samples) {
  if (samples.size() < kShortestSamples) throw DataError("its sound is shorter than 0.1 s");
  if (std::all_of(samples.begin(), samples.end(), [&](auto x) { return x == samples[0]; })) {
    throw DataError("its sound is digital silence");
  }
  std::vector<float> scaled(samples.size());
  std::transform(samples.begin(), samples.end(), scaled.begin(),
                 [](std::int16_t sample) { return static_cast<float>(sample) / 32768.0F; });
  return summarise(compute_contours(scaled)).values;
}

}  // namespace hardy
