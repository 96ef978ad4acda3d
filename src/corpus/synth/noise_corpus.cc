#include "corpus/synth/noise_corpus.h"

#include <utility>

#include "base/random.h"

namespace hardy {

Corpus noise_corpus(const Corpus& corpus, std::uint64_t seed) {
  Corpus noise = corpus;
  noise.name += " (noise)";
  noise.is_synthetic = true;
  noise.true_difficulty.clear();
  for (std::size_t m = 0; m < noise.modalities.size(); ++m) {
    ModalityData& modality = noise.modalities[m];
    Generator draws = Seeds(seed).stream("audit.noise", {static_cast<std::int64_t>(m)});
    const auto width = static_cast<std::size_t>(modality.width);
    for (std::size_t i = 0; i < modality.present.size(); ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        const auto value = static_cast<float>(draw_normal(draws));
        modality.features[i * width + j] = modality.present[i] != 0 ? value : 0.0F;
      }
    }
  }
  noise.checksum = corpus_checksum(noise);
  return noise;
}

}  // namespace hardy
