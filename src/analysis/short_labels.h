// Conditions as narrow column headings.
#pragma once

#include <string>
#include <vector>

namespace hardy {

/// Labels with short names of modalities, and the key to them.
struct ShortLabels {
  std::vector<std::string> labels;  ///< in the order given
  std::string key;                  ///< "a = acoustic, t = textual\n"; "" when nothing is shortened
};

/// Shortens the patterns among labels; means and masks stay as they are.
ShortLabels short_labels(const std::vector<std::string>& labels);

}  // namespace hardy
