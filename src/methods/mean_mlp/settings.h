// Settings of the early-fusion perceptron.
#pragma once

#include <cstdint>
#include <string>

#include "hardy/config.h"

namespace hardy {

struct MeanMlpSettings : SettingsOf<MeanMlpSettings> {
  std::int64_t hidden = 256;
  double dropout = 0.5;
  std::int64_t epochs = 50;
  std::int64_t patience = 10;
  OptimiserConfig optimiser = {.batch = 64, .learning_rate = 1e-3, .weight_decay = 1e-5};

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
};

MethodDeclaration declare_mean_mlp();

}  // namespace hardy
