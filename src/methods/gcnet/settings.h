// Settings of GCNet (docs/methods/gcnet.md).
#pragma once

#include <cstdint>
#include <string>

#include "hardy/config.h"

namespace hardy {

struct GcnetSettings : SettingsOf<GcnetSettings> {
  std::int64_t hidden = 200;
  std::int64_t past = 2;
  std::int64_t future = 2;
  std::int64_t speakers = 2;
  double dropout = 0.5;
  double reconstruction_weight = 1;
  std::int64_t epochs = 100;
  std::int64_t patience = 0;
  OptimiserConfig optimiser = {.batch = 32, .learning_rate = 1e-3, .weight_decay = 1e-5};

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
  void validate(const std::string& section) const override;
};

MethodDeclaration declare_gcnet();

}  // namespace hardy
