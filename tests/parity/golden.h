// The golden vectors: one batch, its masks and the outputs of the published modules on it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "hardy/tensor_file.h"
#include "nn/backbone.h"
#include "nn/batch.h"

namespace hardy::test {

/// Modality names in the published order.
inline const std::vector<std::string> kNames = {"acoustic", "textual", "visual"};

/// The golden batch: 4 dialogues of 9, 6, 3 and 1 utterances, unpadded.
struct GoldenBatch {
  FeatureTable table;
  std::vector<std::int64_t> lengths;
  std::vector<std::int64_t> labels;  ///< [n]

  /// Every row under one pattern.
  [[nodiscard]] BatchPlan plan(Pattern pattern) const;
};

GoldenBatch load_golden_batch();

/// Arrays of a golden .npy laid out [S, B, ...] or [B, S, ...], brought to our packed rows.
enum class Layout { kTimeFirst, kBatchFirst };
at::Tensor load_golden(const std::string& file, const GoldenBatch& batch, Layout layout);

/// An .npy as it is.
at::Tensor load_array(const std::string& file);

/// What our modules need to hold a published checkpoint.
BackboneOptions published_options(const TensorFile& state_dict);

/// "at" -> pattern, by the letters of the golden file names.
Pattern golden_pattern(const std::string& letters);

/// The largest difference, which must be at most 1e-5; also printed per file.
void expect_close(const at::Tensor& ours, const at::Tensor& golden, const std::string& what);

}  // namespace hardy::test
