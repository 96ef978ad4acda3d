// Settings of cross-fitted context networks (docs/methods/crossfit.md).
#pragma once

#include <cstdint>
#include <string>

#include "methods/context/settings.h"

namespace hardy {

struct CrossfitSettings : SettingsOf<CrossfitSettings> {
  std::int64_t members = 4;
  ContextSettings network;

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
  void validate(const std::string& section) const override;
};

MethodDeclaration declare_crossfit();

}  // namespace hardy
