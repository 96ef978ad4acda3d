// The presets that are not the structs' own defaults.
#include <fmt/format.h>

#include "config/fields.h"
#include "hardy/config.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

EncoderConfig published_encoder() {
  EncoderConfig encoder;
  encoder.hidden = 256;
  encoder.depth = 4;
  encoder.heads = 2;
  encoder.dropout = 0.5;
  encoder.norm = "none";
  encoder.position = "none";
  encoder.speaker = "none";
  encoder.decoder = "two-layer";
  encoder.decoder_width = 1024;
  return encoder;
}

OptimiserConfig published_optimiser() {
  OptimiserConfig optimiser;
  optimiser.batch = 16;
  optimiser.learning_rate = 1e-4;
  optimiser.weight_decay = 1e-5;
  optimiser.schedule = "constant";
  optimiser.clip = 0;
  return optimiser;
}

/// The hyper-parameters of the paper and its code (methods.md section 9). Every field that shapes a
/// fit is written out, so that a change of the defaults never moves this preset. Defects of the
/// published code (e.g. supports under the query's label) are not hyper-parameters: they stay off.
Config published_preset() {
  Config config;
  config.tuning.epochs = 30;
  config.tuning.batch = 16;
  config.tuning.learning_rate = 1e-4;
  config.tuning.weight_decay = 1e-5;
  config.tuning.patience = 0;

  HardnessConfig& hardness = config.hardness;
  hardness.encoder = published_encoder();
  hardness.optimiser = published_optimiser();
  hardness.complete_epochs = 100;
  hardness.pattern_epochs = 100;
  hardness.patience = 0;
  hardness.mi_weight = 0.001;
  hardness.reconstruction_weight = 1.0;
  hardness.alpha1 = 0.6;
  hardness.alpha2 = 0.4;
  hardness.beta = 4.0;
  hardness.indirect_sign = "paper";
  hardness.centre = "paper";
  hardness.components = "both";

  config.retrieval.k = 5;
  config.retrieval.database = "tuned";
  config.retrieval.metric = "auto";
  config.retrieval.supports = "slots";
  config.retrieval.support_label = "own";

  RecogniserConfig& recogniser = config.recogniser;
  recogniser.encoder = published_encoder();
  recogniser.optimiser = published_optimiser();
  recogniser.input = "plain";
  recogniser.complete_epochs = 25;
  recogniser.pattern_epochs = 25;
  recogniser.patience = 0;
  recogniser.reconstruction_weight = 1.0;
  recogniser.pattern_unit = "utterance";
  return config;
}

void make_small(EncoderConfig& encoder) {
  encoder.hidden = 64;
  encoder.depth = 2;
  encoder.heads = 2;
  encoder.dropout = 0.3;
  encoder.decoder = "linear";
}

/// Small enough for a first look and for smoke tests; its numbers say little about the method.
Config quick_preset() {
  Config config;
  config.tuning.epochs = 5;
  config.tuning.patience = 5;
  config.tuning.batch = 64;
  config.tuning.learning_rate = 1e-3;
  make_small(config.hardness.encoder);
  make_small(config.recogniser.encoder);
  config.hardness.optimiser.batch = 16;
  config.recogniser.optimiser.batch = 16;
  config.hardness.optimiser.learning_rate = 1e-3;
  config.recogniser.optimiser.learning_rate = 1e-3;
  config.hardness.patience = 0;
  config.recogniser.patience = 0;
  config.hardness.complete_epochs = 5;
  config.hardness.pattern_epochs = 5;
  config.recogniser.complete_epochs = 5;
  config.recogniser.pattern_epochs = 10;
  config.retrieval.k = 3;
  config.retrieval.supports = "mix";
  return config;
}

}  // namespace

Config make_preset(const std::string& name) {
  Config config;
  if (name == "published") config = published_preset();
  if (name == "quick") config = quick_preset();
  config.methods.apply_preset(name);
  config.preset = name;
  const Field field = describe(config).front();
  if (const auto problem = field_problem(field)) {
    throw ConfigError(
        fmt::format("preset '{}' {}; known presets: {}", name, *problem, field_range(field)));
  }
  return config;
}

}  // namespace hardy
