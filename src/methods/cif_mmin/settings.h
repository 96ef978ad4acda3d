// Settings of CIF-MMIN (docs/methods/cif_mmin.md).
#pragma once

#include "methods/mmin/settings.h"

namespace hardy {

struct CifMminSettings : SettingsOf<CifMminSettings> {
  std::int64_t hidden = 128;
  std::int64_t blocks = 5;
  std::int64_t batch = 64;  ///< utterances
  double contrast_weight = 1;
  double imagination_weight = 8;
  double invariance_weight = 100;
  std::int64_t patience = 0;
  LinearDecayStage pretraining = {30, 10, 2e-4, 0.9, 0.5, 0.3};
  LinearDecayStage training = {20, 20, 2e-4, 0.5, 1, 0.5};

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
  void validate(const std::string& section) const override;
};

MethodDeclaration declare_cif_mmin();

}  // namespace hardy
