// Golden values: one batch, its masks and the outputs of the published modules on it. There are two
// sets of different sizes: that of the reference data, from the published programs, and a small one
// in tests/fixtures/golden, which a script computes from the formulas.
#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hardy/tensor_file.h"
#include "nn/backbone.h"
#include "nn/batch.h"

namespace hardy::test {

/// Modality names in the published order.
inline const std::vector<std::string> kNames = {"acoustic", "textual", "visual"};

enum class GoldenSet { kOwn, kShared };

/// A test on each set; the shared one if the reference data is available.
class Golden : public ::testing::TestWithParam<GoldenSet> {
 protected:
  /// Selects the set for every function below.
  void SetUp() override;
};

/// "meta" (sizes), "losses" or "retrieval" of the set.
nlohmann::json golden_json(const std::string& name);

/// A size in the set's "meta".
std::int64_t golden_size(const std::string& name);

/// The state dict of a published module, "momke".
TensorFile golden_state(const std::string& module);

/// The golden batch, unpadded.
struct GoldenBatch {
  FeatureTable table;
  std::vector<std::int64_t> lengths;
  std::vector<std::int64_t> labels;  ///< [n]

  /// Every row under one pattern.
  [[nodiscard]] BatchPlan plan(Pattern pattern) const;
};

GoldenBatch load_golden_batch();

/// Widths of the modalities.
std::vector<std::int64_t> golden_widths();

/// Layout of a golden array, [S, B, ...] or [B, S, ...]; arrays are converted to packed rows.
enum class Layout { kTimeFirst, kBatchFirst };
at::Tensor load_golden(const std::string& name, const GoldenBatch& batch, Layout layout);

/// A golden array, unconverted.
at::Tensor load_array(const std::string& name);

/// Backbone options for a published checkpoint.
BackboneOptions published_options(const TensorFile& state_dict);

/// "at" -> pattern, by the letters of the golden file names.
Pattern golden_pattern(const std::string& letters);

/// Expects the largest difference to be at most 1e-5, and prints it per file.
void expect_close(const at::Tensor& ours, const at::Tensor& golden, const std::string& what);

}  // namespace hardy::test
