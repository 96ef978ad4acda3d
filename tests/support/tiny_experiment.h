// A corpus and settings small enough to train on in tests.
#pragma once

#include "corpus/synth/demo_corpus.h"
#include "hardy/config.h"
#include "methods/hardymer/settings.h"

namespace hardy::test {

/// Three sessions of three dialogues, `modalities` modalities of width 20.
inline Corpus tiny_corpus(int modalities, double missing_rate = 0) {
  DemoOptions options;
  options.sessions = 3;
  options.dialogues_per_session = 3;
  options.min_utterances = 8;
  options.max_utterances = 14;
  options.features.modalities = spread_modalities(modalities);
  for (auto& modality : options.features.modalities) modality.width = 20;
  options.features.missing_rate = missing_rate;
  return make_demo_corpus(options);
}

/// Hidden width 16, two epochs of everything.
inline Config tiny_config() {
  Config config = make_preset("quick");
  hardymer_settings(config).recogniser.encoder.hidden = 16;
  hardymer_settings(config).recogniser.encoder.depth = 1;
  hardymer_settings(config).hardness.encoder.hidden = 16;
  hardymer_settings(config).hardness.encoder.depth = 1;
  hardymer_settings(config).tuning.epochs = 2;
  hardymer_settings(config).hardness.complete_epochs = 2;
  hardymer_settings(config).hardness.pattern_epochs = 2;
  hardymer_settings(config).recogniser.complete_epochs = 2;
  hardymer_settings(config).recogniser.pattern_epochs = 2;
  return config;
}

}  // namespace hardy::test
