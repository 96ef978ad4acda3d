// Settings of late fusion of linear models.
#pragma once

#include "methods/early_linear/settings.h"

namespace hardy {

struct LateLinearSettings : SettingsOf<LateLinearSettings> {
  StrengthPath path;

  void describe(FieldTable& table) override { path.describe(table); }

  void apply_preset(const std::string& preset) override;

  void validate(const std::string& section) const override { path.check(section); }
};

MethodDeclaration declare_late_linear();

}  // namespace hardy
