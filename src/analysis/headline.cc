#include "analysis/headline.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "analysis/intervals.h"

namespace hardy {
namespace {

/// Whether the labels outside an official test part are unbalanced: classes with a largest more
/// than twice the smallest, values with less than a tenth on one side of 0.
bool is_uneven(const Corpus& corpus) {
  std::map<int, std::int64_t> counts;
  const bool is_class = corpus.label_kind == LabelKind::kClass;
  for (const auto& dialogue : corpus.dialogues) {
    if (dialogue.part == Part::kTest) continue;
    for (std::int64_t i = dialogue.first; i < dialogue.first + dialogue.count; ++i) {
      const float label = corpus.utterances[static_cast<std::size_t>(i)].label;
      if (std::isnan(label)) continue;
      if (is_class) ++counts[static_cast<int>(label)];
      if (!is_class && label != 0) ++counts[label > 0 ? 1 : 0];
    }
  }
  const std::size_t sides = is_class ? static_cast<std::size_t>(corpus.class_count()) : 2;
  std::int64_t least = counts.size() < sides ? 0 : std::numeric_limits<std::int64_t>::max();
  std::int64_t most = 0;
  std::int64_t all = 0;
  for (const auto& [side, count] : counts) {
    least = std::min(least, count);
    most = std::max(most, count);
    all += count;
  }
  return is_class ? most > 2 * least : 10 * least < all;
}

}  // namespace

std::vector<std::string> headline_of(const Corpus& corpus) {
  if (corpus.label_kind == LabelKind::kLabels) return {"mean_wa", "mean_weighted_f1", "mean_f1"};
  if (corpus.label_kind == LabelKind::kValues) return {"mean_ccc", "mean_mae", "mean_correlation"};
  if (!corpus.values.empty()) return {"acc2_non0", "f1_non0"};
  const bool is_uneven_corpus = is_uneven(corpus);
  if (corpus.label_kind == LabelKind::kClass) {
    return is_uneven_corpus ? std::vector<std::string>{"ua", "weighted_f1", "wa"}
                            : std::vector<std::string>{"wa", "ua", "weighted_f1"};
  }
  return is_uneven_corpus ? std::vector<std::string>{"ccc", "mae", "correlation"}
                          : std::vector<std::string>{"acc2_non0", "f1_non0", "mae", "correlation"};
}

std::vector<NotApplicable> find_not_applicable(const std::vector<std::string>& metrics,
                                               const std::vector<FitOutcome>& outcomes,
                                               const Corpus& corpus) {
  if (!corpus.target_names.empty()) return {};
  const TallyLayout layout = layout_of(corpus);
  std::vector<double> tally(layout.width());
  for (const auto& outcome : outcomes) {
    for (const auto& evaluation : outcome.test) {
      for (const auto i : evaluation.utterances) {
        const double truth = scored_truth(corpus, static_cast<std::size_t>(i));
        if (std::isnan(truth)) continue;
        layout.add(tally, truth, layout.task() == TaskKind::kBinary ? 0 : truth);
      }
    }
  }
  std::vector<NotApplicable> list;
  for (const auto& metric : metrics) {
    const std::string only = layout.only_class(tally, metric);
    if (only.empty() || only == "none") continue;
    list.push_back({metric, fmt::format("all test utterances are of one class ({})", only)});
  }
  return list;
}

}  // namespace hardy
