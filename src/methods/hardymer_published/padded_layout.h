// Positions of a padded batch read in the wrong layout, as in the published code for hardness
// (defect H10) and the mask of the reconstruction loss (defect H14).
#pragma once

#include <cstdint>
#include <vector>

namespace hardy {

/// A batch of B dialogues padded to the longest, S utterances. Values stored dialogue by dialogue
/// ([B, S]) but read position by position ([S, B]) appear in wrong positions: (s, b) reads flat
/// index s B + b of [B, S].
struct MisreadBatch {
  /// By packed row (dialogue after dialogue): the packed row whose value is read, -1 = padding.
  std::vector<std::int64_t> source;
  /// Dialogues of the padded positions that read the value of a real utterance, ascending.
  std::vector<std::int64_t> padding;
};

/// Shapes: offsets [B+1], first packed row of each dialogue, empty dialogues allowed.
MisreadBatch misread(const std::vector<std::int64_t>& offsets);

}  // namespace hardy
