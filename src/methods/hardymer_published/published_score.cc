#include "methods/hardymer_published/published_score.h"

#include <algorithm>

#include "hardy/errors.h"
#include "methods/hardymer/score.h"
#include "methods/hardymer_published/padded_layout.h"

namespace hardy {
namespace {

/// Whether a padded batch of these dialogues holds padding.
bool has_padding(const std::vector<std::int64_t>& offsets) {
  for (std::size_t b = 0; b + 2 < offsets.size(); ++b) {
    if (offsets[b + 1] - offsets[b] != offsets[b + 2] - offsets[b + 1]) return true;
  }
  return false;
}

/// min_max of `values` and, with `adds_zero`, one 0 among them.
std::vector<float> scaled_in_batch(std::vector<float> values, bool adds_zero) {
  if (adds_zero) values.push_back(0.0F);
  auto scaled = min_max(values);
  if (adds_zero) scaled.pop_back();
  return scaled;
}

std::vector<float> gather(std::span<const float> values, const std::vector<std::int64_t>& rows) {
  std::vector<float> result;
  for (const auto row : rows) result.push_back(values[static_cast<std::size_t>(row)]);
  return result;
}

}  // namespace

std::vector<HardnessBatch> deal_batches(const std::vector<std::vector<std::int64_t>>& dialogue_rows,
                                        std::int64_t size, Generator& draws) {
  check(size >= 1, "a batch holds a dialogue at least");
  std::vector<HardnessBatch> batches;
  std::int64_t dealt = 0;
  for (const auto d : draw_permutation(draws, static_cast<std::int64_t>(dialogue_rows.size()))) {
    if (dealt++ % size == 0) batches.push_back({{}, {0}});
    const auto& rows = dialogue_rows[static_cast<std::size_t>(d)];
    auto& batch = batches.back();
    batch.rows.insert(batch.rows.end(), rows.begin(), rows.end());
    batch.offsets.push_back(static_cast<std::int64_t>(batch.rows.size()));
  }
  return batches;
}

std::vector<float> published_score(std::span<const float> direct, std::span<const float> indirect,
                                   const std::vector<HardnessBatch>& batches,
                                   const HardnessConfig& config,
                                   const PublishedSettings& published) {
  if (config.components == HardnessTerms::kNone) return unified_score(direct, indirect, config);
  const auto fold_direct = min_max(direct);
  const auto fold_indirect = min_max(indirect);
  const float nothing = 0.0F;
  const float padding = combine_scaled({&nothing, 1}, {&nothing, 1}, config).front();
  std::vector<float> result(direct.size(), padding);
  for (const auto& batch : batches) {
    auto x = gather(fold_direct, batch.rows);
    auto y = gather(fold_indirect, batch.rows);
    if (published.h5b_batch_scaling) {
      x = scaled_in_batch(gather(direct, batch.rows), has_padding(batch.offsets));
      y = scaled_in_batch(gather(indirect, batch.rows), false);
    }
    const auto score = combine_scaled(x, y, config);
    const auto read = misread(batch.offsets);
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      const auto source =
          published.h10_swapped_hardness ? read.source[i] : static_cast<std::int64_t>(i);
      if (source < 0) continue;
      result[static_cast<std::size_t>(batch.rows[i])] = score[static_cast<std::size_t>(source)];
    }
  }
  return result;
}

}  // namespace hardy
