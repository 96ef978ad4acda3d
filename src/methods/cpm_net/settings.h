// Settings of CPM-Net (docs/methods/cpm_net.md).
#pragma once

#include <cstdint>
#include <string>

#include "hardy/config.h"

namespace hardy {

struct CpmNetSettings : SettingsOf<CpmNetSettings> {
  std::int64_t latent = 128;
  double class_weight = 1;
  std::int64_t epochs = 30;
  std::int64_t steps = 5;
  std::int64_t validate_every = 10;
  std::int64_t patience = 0;
  double decoder_learning_rate = 1e-3;
  double latent_learning_rate = 1e-2;
  std::int64_t inference_epochs = 300;
  double inference_learning_rate = 1e-3;

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
};

MethodDeclaration declare_cpm_net();

}  // namespace hardy
