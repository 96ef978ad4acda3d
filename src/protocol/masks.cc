#include "protocol/masks.h"

#include <torch/types.h>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "nn/batch.h"

namespace hardy {

ConditionPlan checked_plan(const Config& config, const Corpus& corpus) {
  const std::string& text = config.protocol.conditions;
  auto plan = parse_condition_plan(text, corpus.modality_names());
  if (plan.at == MissingAt::kTest && !plan.masks.empty() &&
      config.protocol.tracks == Tracks::kSpecialist) {
    throw ConfigError(fmt::format(
        "conditions '{}': masks at test need the unified track (--track unified or both); a "
        "specialist knows one pattern only",
        text));
  }
  return plan;
}

FoldData with_masks(const FoldData& data, const std::vector<Pattern>& masks) {
  FoldData masked = data;
  for (std::size_t m = 0; m < masked.table.features.size(); ++m) {
    std::vector<std::int64_t> absent;
    for (std::size_t u = 0; u < masks.size(); ++u) {
      if (!masks[u].has(static_cast<int>(m))) absent.push_back(static_cast<std::int64_t>(u));
    }
    at::Tensor& features = masked.table.features[m];
    features = features.clone();  // shared with `data`
    if (!absent.empty()) features.index_fill_(0, index_tensor(absent, features.device()), 0);
  }
  for (std::size_t u = 0; u < masks.size(); ++u) {
    masked.table.present[u] = masked.table.present[u] & masks[u];
  }
  return masked;
}

void describe_masks(const ConditionPlan& plan, const Corpus& corpus,
                    const std::vector<std::int64_t>& test_utterances, Results& results) {
  if (plan.masks.empty()) return;
  results.masks_at = missing_at_name(plan.at);
  results.mask_seed = plan.mask_seed;
  for (const auto& spec : plan.masks) {
    const auto masks = draw_masks(corpus, spec, plan.mask_seed);
    results.masks.push_back({spec.label, removed_share(corpus, masks, test_utterances)});
  }
}

}  // namespace hardy
