#include "bench/widths.h"

#include <map>

#include "corpus/synth/demo_corpus.h"

namespace hardy::bench {

const Corpus& iemocap_like(std::int64_t sessions) {
  static std::map<std::int64_t, Corpus> drawn;
  const auto found = drawn.find(sessions);
  if (found != drawn.end()) return found->second;
  DemoOptions options;
  options.sessions = sessions;
  options.dialogues_per_session = 16;
  options.min_utterances = 20;
  options.max_utterances = 53;
  options.features.modalities = published_modalities();
  return drawn.emplace(sessions, make_demo_corpus(options)).first->second;
}

BackboneOptions published_backbone(const Corpus& corpus) {
  BackboneOptions options;
  options.modality_names = corpus.modality_names();
  for (const auto& modality : corpus.modalities) options.widths.push_back(modality.width);
  options.outputs = corpus.class_count();
  options.encoder.hidden = 256;
  options.encoder.depth = 4;
  options.encoder.heads = 2;
  options.encoder.dropout = 0.5;
  options.encoder.norm = Norm::kNone;
  options.encoder.position = Position::kNone;
  options.encoder.speaker = SpeakerBias::kNone;
  options.encoder.decoder = Decoder::kTwoLayer;
  options.encoder.decoder_width = 1024;
  return options;
}

std::vector<std::int64_t> first_dialogues() {
  std::vector<std::int64_t> dialogues(16);
  for (std::size_t i = 0; i < dialogues.size(); ++i) dialogues[i] = static_cast<std::int64_t>(i);
  return dialogues;
}

double step_operations(const BackboneOptions& options, const Batch& batch, bool decodes) {
  const auto hidden = static_cast<double>(options.encoder.hidden);
  const auto stacked = hidden * static_cast<double>(options.widths.size());
  const auto rows = static_cast<double>(batch.rows);
  double total = 0;
  for (std::size_t m = 0; m < options.widths.size(); ++m) {
    const auto count = static_cast<double>(batch.modalities[m].count);
    // The input needs no gradient: two products instead of three.
    total += 4 * count * static_cast<double>(options.widths[m]) * hidden;
    // Per unit q, k, v and the two layers of the MLP.
    total += 6 * count * static_cast<double>(options.encoder.depth) * 5 * hidden * hidden;
    total += 6 * count * hidden * stacked;  // fusion
  }
  total += 6 * rows * stacked * static_cast<double>(options.outputs);
  if (!decodes) return total;
  const auto width = static_cast<double>(options.encoder.decoder_width);
  total += 6 * rows * stacked * width;
  for (const auto d : options.widths) total += 6 * rows * width * static_cast<double>(d);
  return total;
}

}  // namespace hardy::bench
