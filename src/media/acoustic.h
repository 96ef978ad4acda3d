// Acoustic features of an utterance without learned weights: 88 functionals over descriptors.
//
// The names follow the published list of the extended Geneva minimalistic set (Eyben et al., 2016);
// the descriptors are implemented independently, so the values differ from openSMILE's and must not
// be mixed with them: features carry their maker's name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hardy {

inline constexpr const char* kAcousticMaker = "hardy-acoustic-1";

/// Names of the values, in order.
const std::vector<std::string>& acoustic_names();

/// Features of an utterance. Shapes: samples [n] at 16 kHz, full scale 32768 -> one value per name,
/// all finite. Throws DataError with the reason for sound shorter than 0.1 s, or digital silence.
/// Descriptors of the voice are 0 if no frame is voiced; the shares of voiced frames among the
/// values show this.
std::vector<float> acoustic_features(std::span<const std::int16_t> samples);

}  // namespace hardy
