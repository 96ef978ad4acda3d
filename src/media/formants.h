// Resonances of the vocal tract by linear prediction.
#pragma once

#include <array>
#include <span>

namespace hardy {

struct Formant {
  double hz = 0;         ///< centre; 0 = not found
  double bandwidth = 0;  ///< Hz
};

/// The first three resonances of one frame: roots of the prediction polynomial of order 16
/// (autocorrelation method, pre-emphasis .97) between 150 and 5500 Hz with a bandwidth below
/// 1000 Hz, in order of frequency. Shapes: frame [kFrameSamples] at 16 kHz.
std::array<Formant, 3> find_formants(std::span<const float> frame);

}  // namespace hardy
