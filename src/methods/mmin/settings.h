// Settings of MMIN (docs/methods/mmin.md).
#pragma once

#include <cstdint>
#include <string>

#include "hardy/config.h"

namespace hardy {

/// The published optimisation of one training stage of MMIN and CIF-MMIN.
struct LinearDecayStage {
  std::int64_t constant_epochs = 0;
  std::int64_t decay_epochs = 0;
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double clip = 5;
  double dropout = 0.5;

  void describe(FieldTable table);
};

struct MminSettings : SettingsOf<MminSettings> {
  std::int64_t hidden = 128;  ///< width of every modality's representation
  std::int64_t blocks = 5;
  std::int64_t batch = 256;  ///< utterances
  double imagination_weight = 4;
  double cycle_weight = 2;
  std::int64_t patience = 0;
  LinearDecayStage pretraining = {20, 80, 1e-3, 0.9, 5, 0.3};
  LinearDecayStage training = {20, 80, 1e-3, 0.5, 5, 0.5};

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
  void validate(const std::string& section) const override;
};

MethodDeclaration declare_mmin();

}  // namespace hardy
