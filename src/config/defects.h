// The defects of the published code that hardy can turn on to say what each is worth: what there
// are, which are on, and which combinations make no sense. docs/audit.md explains every one.
#pragma once

#include <string>
#include <vector>

#include "hardy/config.h"

namespace hardy {

/// One defect.
struct Defect {
  std::string number;  ///< of the list in docs/audit.md, e.g. "H1b"
  std::string key;     ///< the setting that turns it on
  std::string value;   ///< at which it is on
  std::string summary;
};

/// Every defect that can be turned on, in the order of their numbers.
const std::vector<Defect>& known_defects();

/// Those that are on and act under these settings (H11 acts in slots only).
std::vector<Defect> active_defects(const Config& config);

/// "H1 (epoch chosen by the test part)", one text per defect that is on: what results say.
std::vector<std::string> active_defect_texts(const Config& config);

/// Whether a switch of [published] is on: such models are made for comparison only and not stored.
bool has_published_switch(const Config& config);

/// The settings that `--protocol` stands for: "strict" turns every defect off, "published" turns
/// all on and sets what they need (slots, tuned input). Throws ConfigError for another name.
std::vector<std::string> protocol_assignments(const std::string& protocol);

/// Throws ConfigError when a switch has nothing to act on, naming it and the remedy.
void check_published(const Config& config);

}  // namespace hardy
