// Frame-by-frame descriptors of speech, and their summaries over an utterance.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace hardy {

/// One value per frame (frames as in spectrum.h); NaN where the descriptor is undefined, e.g. the
/// fundamental frequency of an unvoiced frame.
using Contour = std::vector<float>;

/// The descriptors, smoothed by a moving average over three frames.
struct Contours {
  std::size_t frames = 0;
  std::vector<bool> voiced;   ///< [frames]
  Contour pitch;              ///< semitones above 27.5 Hz, voiced frames
  Contour loudness;           ///< sum of cube roots of mel powers
  Contour flux;               ///< distance of successive normalised spectra, in [0, 2]
  std::vector<Contour> mfcc;  ///< [4] coefficients 1 to 4
  Contour jitter;
  Contour shimmer;          ///< dB
  Contour harmonicity;      ///< dB, from the correlation at the period
  Contour first_harmonics;  ///< dB, first over second harmonic
  Contour first_to_third;   ///< dB, first harmonic over the strongest one near the third formant
  std::vector<Contour> formant_hz;         ///< [3] voiced frames
  std::vector<Contour> formant_bandwidth;  ///< [3] Hz
  std::vector<Contour> formant_level;      ///< [3] dB over the first harmonic
  Contour alpha_ratio;                     ///< dB, 50 to 1000 Hz over 1 to 5 kHz
  Contour hammarberg;   ///< dB, strongest bin below 2 kHz over that of 2 to 5 kHz
  Contour slope_low;    ///< dB per Hz, 0 to 500 Hz
  Contour slope_high;   ///< dB per Hz, 500 to 1500 Hz
  double level_db = 0;  ///< level of the whole utterance, full scale = 0
};

/// Samples in [-1, 1] at 16 kHz.
Contours compute_contours(std::span<const float> samples);

/// Mean and spread of the values that are not NaN; zeros if there is none. The spread is the
/// standard deviation, divided by the mean when `is_positive`: descriptors that can be negative
/// have means near zero, which cannot be divisors.
struct Moments {
  double mean = 0;
  double spread = 0;
};

Moments moments_of(const Contour& contour, bool is_positive);

/// Quantile at `share`, linearly interpolated, without NaN values.
double percentile_of(const Contour& contour, double share);

/// Slopes of the monotone stretches of a contour, units per second.
struct Slopes {
  Moments rising;
  Moments falling;
};

Slopes slopes_of(const Contour& contour);

}  // namespace hardy
