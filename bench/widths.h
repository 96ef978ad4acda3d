// Shapes shared by the benchmarks: IEMOCAP's widths, a batch of 16 dialogues.
#pragma once

#include <cstdint>
#include <vector>

#include "hardy/corpus.h"
#include "nn/backbone.h"

namespace hardy::bench {

/// Synthetic dialogues of IEMOCAP's shape: widths 512, 1024, 1024; 20 to 53 utterances each. The
/// corpus of a given number of sessions is drawn once and cached.
const Corpus& iemocap_like(std::int64_t sessions);

/// The published module: hidden 256, depth 4, 2 heads, dropout .5, decoder of two layers.
BackboneOptions published_backbone(const Corpus& corpus);

/// The first 16 dialogues.
std::vector<std::int64_t> first_dialogues();

/// Floating-point operations of the products of one training step (forward and both gradients), the
/// basis of GFLOP/s. Attention scores and element-wise work are not counted.
double step_operations(const BackboneOptions& options, const Batch& batch, bool decodes);

}  // namespace hardy::bench
