// Scores of validation utterances in a model file. Internal.
#pragma once

#include "hardy/bundle.h"

namespace hardy {

/// Adds "coverage.BITS.scores" and "coverage.BITS.sizes" of each pattern.
void add_coverage(TensorFile& file, const BundleInfo& info);

/// Fills info.coverage; it stays empty when the file has no such arrays. Throws ArtifactError when
/// they are damaged. Requires: info.modalities is read.
void read_coverage(const TensorFileView& file, BundleInfo& info);

}  // namespace hardy
