// Positions of a padded batch read in the wrong layout: what the published code does with hardness
// (defect H10) and with the mask of its reconstruction loss (defect H14).
#pragma once

#include <cstdint>
#include <vector>

namespace hardy {

/// A batch of B dialogues padded to the longest, S utterances. What is stored dialogue by dialogue
/// ([B, S]) but read position by position ([S, B]) puts at place (s, b) what belongs to another
/// place: that of flat index s B + b in [B, S].
struct MisreadBatch {
  /// By packed row (dialogue after dialogue): the packed row whose value is read, -1 = padding.
  std::vector<std::int64_t> source;
  /// Dialogues of the padded places at which the value of a real utterance is read, ascending.
  std::vector<std::int64_t> padding;
};

/// Shapes: offsets [B+1], first packed row of each dialogue, empty dialogues allowed.
MisreadBatch misread(const std::vector<std::int64_t>& offsets);

}  // namespace hardy
