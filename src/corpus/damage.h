// Damaged features: noise, clipping, frozen, swapped, shifted, another speaker's, another scale
// (docs/damaged_data.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// Kinds of damage to one modality. s is the severity in (0, 1], z a standardised feature.
enum class Damage {
  kNoise,     ///< z becomes sqrt(1 - s) z + sqrt(s) e with standard normal e; 1 = noise alone
  kClipping,  ///< the share s of all values, the largest |z|, is cut to the largest of the others
  kFrozen,    ///< in each dialogue one run of the share s of its utterances repeats the one before
  kSwapped,   ///< the share s of utterances exchange their features among each other
  kShifted,  ///< features arrive ceil(4 s) utterances late; a dialogue's first ones are the first's
  kSpeaker,  ///< the share s of utterances get those of the nearest utterance of another speaker
  kScale     ///< features, not standardised, times 10^s
};

/// "noise", "clipping", "frozen", "swapped", "shifted", "speaker", "scale".
const char* damage_name(Damage damage);

/// All kinds, in the order above.
std::span<const Damage> all_damages();

/// Throws ConfigError with the known names and the nearest one.
Damage damage_named(const std::string& name);

/// What to damage. The statistics are those of training: the unit of noise and clipping.
struct DamageRequest {
  Damage damage = Damage::kNoise;
  double severity = 1;  ///< s in (0, 1]
  std::size_t modality = 0;
  std::uint64_t seed = 1;  ///< root of the streams "stress.NAME"
  std::span<const float> mean;
  std::span<const float> deviation;
};

/// A modality with damage.
struct DamagedModality {
  std::vector<float> features;        ///< [N, d_m]; unchanged outside of the given dialogues
  std::vector<std::uint8_t> touched;  ///< [N] whose features were replaced or changed
};

/// Damages the utterances of the given dialogues that have the modality; whether they have it
/// stays. Draws depend on seed, modality and utterance only, so that a higher severity includes a
/// lower one. Nothing is touched where the kind does not apply: `frozen` and `shifted` need
/// dialogues of two utterances, `speaker` another known speaker. Requires: mean and deviation are
/// [d_m].
DamagedModality damage_modality(const Corpus& corpus, const std::vector<std::int64_t>& dialogues,
                                const DamageRequest& request);

}  // namespace hardy
