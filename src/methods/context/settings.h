// Settings of the context network (docs/methods/context.md).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "hardy/config.h"

namespace hardy {

/// Recurrent cell of the context.
enum class RecurrentCell { kGru, kLstm };

template <>
inline constexpr std::array<std::string_view, 2> kWords<RecurrentCell> = {"gru", "lstm"};

/// What the network knows about speakers.
enum class SpeakerUse { kNone, kRoles, kMeans, kInputs };

template <>
inline constexpr std::array<std::string_view, 4> kWords<SpeakerUse> = {"none", "roles", "means",
                                                                       "inputs"};

struct ContextSettings : SettingsOf<ContextSettings> {
  std::int64_t hidden = 192;
  RecurrentCell cell = RecurrentCell::kGru;
  SpeakerUse speaker = SpeakerUse::kRoles;
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
