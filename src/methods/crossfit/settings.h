// Settings of the cross-fitted curriculum (docs/methods/crossfit.md).
#pragma once

#include <cstdint>
#include <string>

#include "hardy/config.h"

namespace hardy {

struct CrossfitSettings : SettingsOf<CrossfitSettings> {
  std::int64_t parts = 2;
  double teacher = 0.5;
  double teacher_power = 1.0;
  double teacher_slope = 0.0;
  double weight_slope = 0.0;
  double pattern_slope = 0.0;
  double loss_share = 0.5;
  double mix = 0.0;

  void describe(FieldTable& table) override;
};

MethodDeclaration declare_crossfit();

}  // namespace hardy
