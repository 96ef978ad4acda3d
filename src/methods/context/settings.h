// Settings of the context network (docs/methods/context.md).
#pragma once

#include <cstdint>
#include <string>

#include "hardy/config.h"

namespace hardy {

struct ContextSettings : SettingsOf<ContextSettings> {
  std::int64_t hidden = 192;
  std::int64_t roles = 4;
  double dropout = 0.5;
  double unimodal_weight = 0.3;
  double distillation = 0.5;
  double average = 0.99;
  std::int64_t epochs = 60;
  std::int64_t patience = 15;
  OptimiserConfig optimiser = {
      .batch = 8, .learning_rate = 1e-3, .weight_decay = 1e-4, .clip = 1.0};

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
  void validate(const std::string& section) const override;
};

MethodDeclaration declare_context();

}  // namespace hardy
