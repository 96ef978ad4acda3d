// Products of a few rows with a weight matrix, for processors with AVX-512. Internal.
#pragma once

#include <cstdint>

#include "hardy/predict/kernels.h"

namespace hardy::predict {

/// Whether this machine can run `few_rows`.
bool has_few_rows();

/// y = x W^T + b for n rows, or y += with `accumulates`. Every product is summed in the same order
/// whatever n is, so an utterance gets the same bytes alone and in a batch. Reads the weights once,
/// as they lie (no packing), and asks for the next ones while it works on these: at 4 to 128 rows
/// of the default model faster than oneDNN's sgemm (docs/serving.md). Requires has_few_rows().
void few_rows(ConstRows x, std::int64_t n, const LinearView& layer, Rows y, bool accumulates);

}  // namespace hardy::predict
