#include "corpus/fold_check.h"

#include <algorithm>
#include <set>
#include <string>

#include <fmt/format.h>

namespace hardy {
namespace {

/// Obstacles to training on one fold.
class FoldCheck {
 public:
  FoldCheck(const Corpus& corpus, const Fold& fold, bool is_official)
      : corpus_(corpus), fold_(fold), is_official_(is_official) {}

  std::vector<Finding> run() {
    require_part(fold_.train, "training");
    require_part(fold_.validation, "validation");
    require_part(fold_.test, "test");
    if (!findings_.empty()) return std::move(findings_);
    check_labels();
    check_modalities();
    return std::move(findings_);
  }

 private:
  void add(const char* kind, std::string what, std::string remedy) {
    findings_.push_back(
        {Severity::kError, kind, corpus_.name, std::move(what), std::move(remedy), false});
  }

  void require_part(const std::vector<std::int64_t>& part, const char* name) {
    if (!part.empty()) return;
    add("empty-part",
        fmt::format(
            "fold '{}' has no {} dialogue; the corpus has {} dialogues, and each part needs "
            "at least one",
            fold_.name, name, corpus_.dialogues.size()),
        "choose another protocol.split or protocol.validation");
  }

  /// Whether the utterance has a training target or can be scored.
  [[nodiscard]] bool has_target(std::int64_t u) const {
    const auto i = static_cast<std::size_t>(u);
    const bool is_neither = !corpus_.values.empty() && corpus_.values[i] == 0;
    return corpus_.utterances[i].is_labelled() && !is_neither;
  }

  void check_labels() {
    for (const auto* part : {&fold_.train, &fold_.validation, &fold_.test}) {
      const auto all = utterances_of(corpus_, *part);
      if (std::any_of(all.begin(), all.end(), [&](auto u) { return has_target(u); })) continue;
      add("unlabelled-part",
          fmt::format("no utterance of the {} part of fold '{}' is labelled",
                      part == &fold_.train        ? "training"
                      : part == &fold_.validation ? "validation"
                                                  : "test",
                      fold_.name),
          "label some, or choose another protocol.split or protocol.validation");
    }
    if (corpus_.label_kind != LabelKind::kClass) return;
    std::vector<std::int64_t> counts(corpus_.class_names.size());
    for (const auto u : utterances_of(corpus_, fold_.train)) {
      if (!has_target(u)) continue;
      const auto label =
          static_cast<std::size_t>(corpus_.utterances[static_cast<std::size_t>(u)].label);
      if (label < counts.size()) ++counts[label];
    }
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c] == 0) report_class(c);
    }
  }

  void report_class(std::size_t c) {
    std::set<std::int64_t> dialogues;
    for (const auto& utterance : corpus_.utterances) {
      const bool is_member =
          utterance.is_labelled() && static_cast<std::size_t>(utterance.label) == c;
      if (is_member) dialogues.insert(utterance.dialogue);
    }
    const std::string what = fmt::format(
        "class '{}' has no training utterance in fold '{}', so it cannot be learned; it occurs in "
        "{} dialogue{}",
        corpus_.class_names[c], fold_.name, dialogues.size(), dialogues.size() == 1 ? "" : "s");
    std::string remedy =
        "use fewer folds, another protocol.split_seed or protocol.validation, or "
        "remove its utterances";
    if (dialogues.empty()) {
      remedy = "remove its name from class_names";
    } else if (dialogues.size() < 3) {
      remedy =
          "merge it with another class or remove its utterances: training, validation and test "
          "cannot all have it";
    } else if (is_official_) {
      remedy =
          "mark a dialogue that has it as train, remove its utterances, or use --set "
          "protocol.split=kfold";
    }
    add("class-not-trained", what, remedy);
  }

  void check_modalities() {
    const auto train = utterances_of(corpus_, fold_.train);
    for (const auto& modality : corpus_.modalities) {
      const bool exists =
          std::find(modality.present.begin(), modality.present.end(), 1) != modality.present.end();
      if (!exists) continue;  // reported by another finding
      const bool is_there = std::any_of(train.begin(), train.end(), [&](std::int64_t u) {
        return modality.present[static_cast<std::size_t>(u)] != 0;
      });
      if (is_there) continue;
      add("modality-not-trained",
          fmt::format("no training utterance of fold '{}' has the modality '{}'", fold_.name,
                      modality.name),
          "extract it for more dialogues, use another split, or leave it out: --set "
          "data.modalities=.. names the others");
    }
  }

  const Corpus& corpus_;
  const Fold& fold_;
  bool is_official_;
  std::vector<Finding> findings_;
};

}  // namespace

FoldProblem::FoldProblem(Finding finding)
    : DataError(fmt::format("{}: {}; {}", finding.where, finding.what, finding.remedy)),
      finding_(std::move(finding)) {}

std::vector<Finding> check_fold(const Corpus& corpus, const Fold& fold, bool is_official) {
  return FoldCheck(corpus, fold, is_official).run();
}

}  // namespace hardy
