// Switches for the defects of the published code of HARDY-MER: the list, the active ones, and
// refused combinations. docs/audit.md explains each.
#pragma once

#include <string>
#include <vector>

#include "hardy/config.h"

namespace hardy {

inline constexpr const char* kPublishedMethod = "hardymer_published";

/// The section [hardymer_published]. Turning a defect on while the method is "hardymer" selects
/// this method; turning the last one off selects "hardymer" again. Results with defects are for
/// measurement and must not be reported as results of the method.
struct PublishedSettings : SettingsOf<PublishedSettings> {
  bool h1_test_epoch = false;
  bool h1b_complete_epochs = false;
  bool h2_shared_tuning = false;
  bool h4_masked_target = false;
  bool h5b_batch_scaling = false;
  bool h7_first_modality = false;
  bool h9_dropped_attention = false;
  bool h10_swapped_hardness = false;
  bool h12_kept_gradients = false;
  bool h14_swapped_mask = false;
  bool h16_filled_supports = false;

  void describe(FieldTable& table) override;
  void follow_up(const std::string& key, Config& config) const override;
};

MethodDeclaration declare_hardymer_published();

/// The section of a config.
const PublishedSettings& published_settings(const Config& config);
PublishedSettings& published_settings(Config& config);

/// One defect.
struct Defect {
  std::string number;  ///< number in docs/audit.md, e.g. "H1b"
  std::string key;     ///< the setting that turns it on
  std::string value;   ///< value of the setting that turns it on
  std::string summary;
};

/// Every defect that can be turned on, in the order of their numbers.
const std::vector<Defect>& known_defects();

/// Defects that are on and have an effect under these settings (H11 acts in slots only).
std::vector<Defect> active_defects(const Config& config);

/// "H1 (epoch chosen by the test part)", one text per active defect, for results.
std::vector<std::string> active_defect_texts(const Config& config);

/// Switches that change the hardness estimator, for cache keys: " h4 h9"; "" when none is on.
std::string estimator_defects(const PublishedSettings& published);

/// Whether a defect is on: such models are for comparison only and are not stored.
bool has_published_switch(const Config& config);

/// The settings behind `--protocol`: "strict" turns every defect off, "published" turns all on and
/// sets their requirements (slots, tuned input). Throws ConfigError for another name.
std::vector<std::string> protocol_assignments(const std::string& protocol);

}  // namespace hardy
