// A corpus without information: real labels and dialogues, features of noise. A protocol with
// results above chance on it reads test labels.
#pragma once

#include <cstdint>

#include "hardy/corpus.h"

namespace hardy {

/// The same utterances, dialogues, labels, marks and missing modalities with features drawn from
/// the standard normal distribution (stream "audit.noise" of `seed`, by modality). Named
/// "... (noise)", marked as synthetic, with a checksum of its own.
Corpus noise_corpus(const Corpus& corpus, std::uint64_t seed);

}  // namespace hardy
