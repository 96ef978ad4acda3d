// Conditions as headings of narrow columns.
#pragma once

#include <string>
#include <vector>

namespace hardy {

/// Labels with short names of modalities, and what these stand for.
struct ShortLabels {
  std::vector<std::string> labels;  ///< in the order given
  std::string key;                  ///< "a = acoustic, t = textual\n"; "" when nothing is shortened
};

/// Shortens the patterns among labels; means and masks stay as they are.
ShortLabels short_labels(const std::vector<std::string>& labels);

}  // namespace hardy
