// The unified score as the published code computes it: within batches, and read in the wrong layout
// (defects H5b and H10). score.h has the correct one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "methods/hardymer/settings.h"
#include "methods/hardymer_published/defects.h"

namespace hardy {

/// Training utterances of a fold in a batch of whole dialogues.
struct HardnessBatch {
  std::vector<std::int64_t> rows;     ///< training rows, dialogue after dialogue
  std::vector<std::int64_t> offsets;  ///< [B+1] first of `rows` of each dialogue
};

/// Divides dialogues randomly into batches of `size`. DIFFERS: the published code draws batches in
/// every epoch; here once, because hardness is measured once. Shapes: dialogue_rows [D] of training
/// rows.
std::vector<HardnessBatch> deal_batches(const std::vector<std::vector<std::int64_t>>& dialogue_rows,
                                        std::int64_t size, Generator& draws);

/// Eq. 10 with the defects of `published`. H5b: direct and indirect are scaled by the smallest and
/// largest of the batch, in which padding counts as direct 0 (its indirect part, which only padded
/// code computes, is left out). H10: every utterance gets the score at its position in the wrong
/// layout; padding has the score of 0 and 0. Shapes: direct, indirect [n] -> [n].
std::vector<float> published_score(std::span<const float> direct, std::span<const float> indirect,
                                   const std::vector<HardnessBatch>& batches,
                                   const HardnessConfig& config,
                                   const PublishedSettings& published);

}  // namespace hardy
