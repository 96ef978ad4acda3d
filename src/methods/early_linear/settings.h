// Settings of the linear controls; late fusion has the same settings without draws.
#pragma once

#include <cstdint>
#include <string>

#include "hardy/config.h"

namespace hardy {

/// Strengths of the penalty to select from: `count` values from `strongest` down to `weakest`, in
/// equal steps of the logarithm.
struct StrengthPath {
  double strongest = 10;
  double weakest = 1e-3;
  std::int64_t count = 5;
  std::int64_t iterations = 100;

  void describe(FieldTable& table);
  void check(const std::string& section) const;
};

struct EarlyLinearSettings : SettingsOf<EarlyLinearSettings> {
  StrengthPath path;
  std::int64_t draws = 2;

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;

  void validate(const std::string& section) const override { path.check(section); }
};

MethodDeclaration declare_early_linear();

}  // namespace hardy
