#include "analysis/coverage_fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace hardy {
namespace {

CoverageScores scores_of(const Evaluation& evaluation, const Corpus& corpus) {
  const bool is_class = corpus.label_kind == LabelKind::kClass;
  const std::size_t outputs = is_class ? corpus.class_names.size() : 1;
  const Pattern pattern = evaluation.condition.pattern;
  std::vector<std::pair<float, std::int64_t>> rows;  // score, dialogue
  std::map<std::int64_t, std::int64_t> sizes;
  for (std::size_t i = 0; i < evaluation.utterances.size(); ++i) {
    const auto u = static_cast<std::size_t>(evaluation.utterances[i]);
    const Utterance& utterance = corpus.utterances[u];
    // A value of 0 has no sign, so no class where signs are classes.
    const bool has_class = corpus.values.empty() || corpus.values[u] != 0;
    const bool has_all = (corpus.present_pattern(evaluation.utterances[i]) & pattern) == pattern;
    if (!utterance.is_labelled() || !has_class || !has_all) continue;
    const float* row = evaluation.outputs.data() + i * outputs;
    const float score = is_class ? 1 - row[static_cast<std::size_t>(utterance.label)]
                                 : std::abs(utterance.label - row[0]);
    rows.emplace_back(std::max(0.0F, score), utterance.dialogue);
    ++sizes[utterance.dialogue];
  }
  std::sort(rows.begin(), rows.end());
  CoverageScores scores{pattern, {}, {}};
  for (const auto& [score, dialogue] : rows) {
    scores.scores.push_back(score);
    scores.sizes.push_back(sizes.at(dialogue));
  }
  return scores;
}

}  // namespace

std::vector<CoverageScores> coverage_scores_of(const std::vector<Evaluation>& validation,
                                               const Corpus& corpus) {
  std::vector<CoverageScores> all;
  if (corpus.target_count() > 0) return all;
  for (const auto& evaluation : validation) {
    if (!evaluation.condition.is_pattern()) continue;
    auto scores = scores_of(evaluation, corpus);
    if (!scores.scores.empty()) all.push_back(std::move(scores));
  }
  return all;
}

}  // namespace hardy
