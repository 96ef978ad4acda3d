// A vector of one utterance's sound without weights: 88 functionals over descriptors of our own.
//
// The names follow the published list of the extended Geneva minimalistic set (Eyben et al., 2016);
// the descriptors are implemented apart from it, so the values differ from openSMILE's and must
// never be mixed with them: Features carry their maker's name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hardy {

inline constexpr const char* kAcousticMaker = "hardy-acoustic-1";

/// Names of the values, in order.
const std::vector<std::string>& acoustic_names();

/// Values of an utterance. Shapes: samples [n] at 16 kHz, full scale 32768 -> one value per name,
/// all finite. Throws DataError with the reason when there is nothing to measure: shorter than
/// 0.1 s, or digital silence. Descriptors of the voice are 0 where no frame is voiced; the shares
/// of voiced frames among the values say so.
std::vector<float> acoustic_features(std::span<const std::int16_t> samples);

}  // namespace hardy
