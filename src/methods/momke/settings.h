// Settings of MoMKE (docs/methods/momke.md).
#pragma once

#include <cstdint>
#include <string>

#include "hardy/config.h"

namespace hardy {

struct MomkeSettings : SettingsOf<MomkeSettings> {
  std::int64_t hidden = 256;
  std::int64_t depth = 4;
  std::int64_t heads = 2;
  double dropout = 0.5;
  std::int64_t complete_epochs = 100;
  std::int64_t pattern_epochs = 100;
  std::int64_t patience = 0;
  OptimiserConfig optimiser = {.batch = 16, .learning_rate = 1e-4, .weight_decay = 1e-5};

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
  void validate(const std::string& section) const override;
};

MethodDeclaration declare_momke();

}  // namespace hardy
