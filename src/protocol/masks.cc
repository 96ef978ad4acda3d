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

bool has_own_models(const ConditionPlan& plan) { return plan.at != MissingAt::kTest; }

bool trains_as_it_is(const ConditionPlan& plan) {
  return !plan.patterns.empty() || !has_own_models(plan);
}

std::vector<std::vector<Pattern>> drawn_masks(const ConditionPlan& plan, const Corpus& corpus) {
  std::vector<std::vector<Pattern>> masks;
  for (const auto& spec : plan.masks) masks.push_back(draw_masks(corpus, spec, plan.mask_seed));
  return masks;
}

FoldData with_masks(const FoldData& data, const std::vector<Pattern>& masks) {
  FoldData masked = data;
  for (std::size_t m = 0; m < masked.table.features.size(); ++m) {
    const auto utterances = static_cast<std::int64_t>(masks.size());
    auto absent = at::empty({utterances}, at::TensorOptions(at::kBool));
    for (std::size_t u = 0; u < masks.size(); ++u) {
      absent.data_ptr<bool>()[u] = !masks[u].has(static_cast<int>(m));
    }
    FeatureRows& features = masked.table.features[m];
    features = features.without(absent.to(features.device()));
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
