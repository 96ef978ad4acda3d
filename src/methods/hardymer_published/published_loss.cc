#include "methods/hardymer_published/published_loss.h"

#include <torch/types.h>

#include "methods/hardymer_published/padded_layout.h"

namespace hardy {

SwappedMask swapped_mask(const BatchPlan& plan) {
  const auto read = misread(plan.offsets);
  SwappedMask mask;
  for (const auto source : read.source) mask.weights.push_back(source < 0 ? 0.0F : 1.0F);
  for (const auto dialogue : read.padding) {
    const auto end = plan.offsets[static_cast<std::size_t>(dialogue) + 1];
    const bool is_empty = end == plan.offsets[static_cast<std::size_t>(dialogue)];
    mask.padding.push_back(is_empty ? plan.rows.front().pattern
                                    : plan.rows[static_cast<std::size_t>(end - 1)].pattern);
  }
  return mask;
}

at::Tensor padding_error(const Backbone& backbone, const std::vector<Pattern>& padding,
                         bool everyone, DropoutStream& dropout) {
  const std::size_t modalities = backbone.options().modality_names.size();
  Batch nothing;
  nothing.rows = static_cast<std::int64_t>(padding.size());
  nothing.modalities.resize(modalities);
  Encoded encoded;
  encoded.z.resize(modalities);
  std::vector<std::vector<std::int64_t>> rows(modalities);
  for (std::size_t i = 0; i < padding.size(); ++i) {
    for (std::size_t m = 0; m < modalities; ++m) {
      const bool is_hidden = !padding[i].has(static_cast<int>(m));
      if (everyone || is_hidden) rows[m].push_back(static_cast<std::int64_t>(i));
    }
  }
  auto error = at::zeros({});
  if (padding.empty()) return error;
  const auto fused = backbone.fuse(nothing, encoded, dropout);
  for (const auto& rebuilt : backbone.reconstruct(fused, rows)) {
    if (rebuilt.defined()) error = error.to(rebuilt.device()) + rebuilt.square().mean(1).sum();
  }
  return error;
}

}  // namespace hardy
