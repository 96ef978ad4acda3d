#include "analysis/prediction_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/modality.h"

namespace hardy {
namespace {

bool is_same_truth(double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); }

/// 0..n-1, ordered by `less`.
template <typename Less>
std::vector<std::size_t> sorted_indices(std::size_t n, const Less& less) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), less);
  return order;
}

std::vector<std::size_t> dialogue_order(const std::vector<std::string>& dialogues) {
  return sorted_indices(dialogues.size(),
                        [&](std::size_t x, std::size_t y) { return dialogues[x] < dialogues[y]; });
}

std::string obstacle_in_fold(const TestFold& first, const TestFold& second) {
  const auto where = [&](const std::string& utterance, const char* has, const char* lacks) {
    return fmt::format("fold {} of the {} tests utterance {}, fold {} of the {} does not",
                       first.fold + 1, has, utterance, first.fold + 1, lacks);
  };
  for (std::size_t i = 0; i < first.utterances.size(); ++i) {
    const std::string& name = first.utterances[i];
    if (i >= second.utterances.size() || name < second.utterances[i]) {
      return where(name, "first", "second");
    }
    if (name > second.utterances[i]) return where(second.utterances[i], "second", "first");
    if (!is_same_truth(first.truth[i], second.truth[i])) {
      return fmt::format("utterance {} has another label in the second", name);
    }
  }
  if (second.utterances.size() > first.utterances.size()) {
    return where(second.utterances[first.utterances.size()], "second", "first");
  }
  return first.dialogues == second.dialogues
             ? ""
             : fmt::format("fold {} is divided into other dialogues in the second", first.fold + 1);
}

}  // namespace

const PredictionCell* PredictionTable::find(const std::string& track, const std::string& condition,
                                            int fold, std::int64_t seed) const {
  for (const auto& cell : cells) {
    if (cell.fold == fold && cell.seed == seed && cell.track == track &&
        cell.condition == condition) {
      return &cell;
    }
  }
  return nullptr;
}

PredictionTableBuilder::PredictionTableBuilder(TallyLayout layout,
                                               std::vector<std::string> modality_names)
    : layout_(std::move(layout)) {
  for (const Pattern pattern : all_patterns(static_cast<int>(modality_names.size()))) {
    conditions_.push_back(pattern_label(pattern, modality_names));
  }
}

void PredictionTableBuilder::start(const std::string& track, const std::string& condition, int fold,
                                   std::int64_t seed) {
  const auto found = std::find(conditions_.begin(), conditions_.end(), condition);
  if (found == conditions_.end()) {
    throw ArtifactError(fmt::format("condition '{}' is none of these modalities", condition));
  }
  const auto place = static_cast<std::size_t>(found - conditions_.begin());
  const auto cell = cells_.try_emplace({track, place, fold, seed}).first;
  place_ = &cell->first;
  cell_ = &cell->second;
  fold_ = &folds_[fold];
}

std::string PredictionTableBuilder::place_text(const Place& place) const {
  const auto& [track, condition, fold, seed] = place;
  return fmt::format("{}, {{{}}}, fold {}, seed {}", track, conditions_[condition], fold + 1, seed);
}

void PredictionTableBuilder::add(const std::string& dialogue, const std::string& utterance,
                                 double truth, double predicted) {
  check(cell_ != nullptr, "a prediction without its model");
  const auto [place, is_new] =
      fold_->utterance_index.try_emplace(utterance, fold_->utterances.size());
  const std::size_t i = place->second;
  if (is_new) {
    const auto [known, is_new_dialogue] =
        fold_->dialogue_index.try_emplace(dialogue, fold_->dialogues.size());
    if (is_new_dialogue) fold_->dialogues.push_back(dialogue);
    fold_->utterances.push_back({utterance, known->second, truth});
  }
  const Utterance& known = fold_->utterances[i];
  if (!is_same_truth(known.truth, truth) || fold_->dialogues[known.dialogue] != dialogue) {
    throw ArtifactError(
        fmt::format("utterance {} has another label or dialogue in ({}) than "
                    "before",
                    utterance, place_text(*place_)));
  }
  if (cell_->seen.size() <= i) cell_->seen.resize(i + 1, false);
  if (cell_->seen[i]) {
    throw ArtifactError(
        fmt::format("utterance {} is predicted twice in ({})", utterance, place_text(*place_)));
  }
  cell_->seen[i] = true;
  ++cell_->count;
  const std::size_t width = layout_.width();
  const std::size_t begin = known.dialogue * width;
  if (cell_->tallies.size() < begin + width) cell_->tallies.resize(begin + width, 0);
  if (std::isnan(truth) || std::isnan(predicted)) return;
  layout_.add(std::span(cell_->tallies).subspan(begin, width), truth, predicted);
}

TestFold PredictionTableBuilder::sorted_fold(int number, const Fold& fold) const {
  TestFold sorted;
  sorted.fold = number;
  sorted.dialogues = fold.dialogues;
  std::sort(sorted.dialogues.begin(), sorted.dialogues.end());
  const auto& utterances = fold.utterances;
  for (const auto i : sorted_indices(utterances.size(), [&](std::size_t x, std::size_t y) {
         return utterances[x].name < utterances[y].name;
       })) {
    sorted.utterances.push_back(utterances[i].name);
    sorted.truth.push_back(utterances[i].truth);
  }
  return sorted;
}

PredictionCell PredictionTableBuilder::sorted_cell(const Place& place, const Cell& cell) const {
  const auto& [track, condition, number, seed] = place;
  const Fold& fold = folds_.at(number);
  if (cell.count != fold.utterances.size()) {
    std::size_t lacking = 0;
    while (lacking < cell.seen.size() && cell.seen[lacking]) ++lacking;
    throw ArtifactError(fmt::format("({}) lacks a prediction of utterance {}", place_text(place),
                                    fold.utterances[lacking].name));
  }
  PredictionCell sorted{track, conditions_[condition], number, seed, {}};
  const std::size_t width = layout_.width();
  for (const auto d : dialogue_order(fold.dialogues)) {
    const auto begin = cell.tallies.begin() + static_cast<std::ptrdiff_t>(d * width);
    sorted.tallies.insert(sorted.tallies.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  return sorted;
}

PredictionTable PredictionTableBuilder::finish() const {
  PredictionTable table;
  table.layout = layout_;
  if (!conditions_.empty()) table.complete = conditions_.back();
  std::set<std::string> tracks;
  std::set<std::size_t> conditions;
  std::set<std::int64_t> seeds;
  for (const auto& [number, fold] : folds_) table.folds.push_back(sorted_fold(number, fold));
  for (const auto& [place, cell] : cells_) {
    table.cells.push_back(sorted_cell(place, cell));
    tracks.insert(std::get<0>(place));
    conditions.insert(std::get<1>(place));
    seeds.insert(std::get<3>(place));
  }
  table.tracks.assign(tracks.begin(), tracks.end());
  table.seeds.assign(seeds.begin(), seeds.end());
  for (const auto condition : conditions) table.conditions.push_back(conditions_[condition]);
  return table;
}

PredictionTable restricted_to(const PredictionTable& table, const std::vector<int>& folds,
                              const std::vector<std::int64_t>& seeds) {
  const auto has_fold = [&](int fold) {
    return std::find(folds.begin(), folds.end(), fold) != folds.end();
  };
  const auto has_seed = [&](std::int64_t seed) {
    return std::find(seeds.begin(), seeds.end(), seed) != seeds.end();
  };
  PredictionTable part = table;
  std::erase_if(part.folds, [&](const TestFold& fold) { return !has_fold(fold.fold); });
  std::erase_if(part.seeds, [&](std::int64_t seed) { return !has_seed(seed); });
  std::erase_if(part.cells, [&](const PredictionCell& cell) {
    return !has_fold(cell.fold) || !has_seed(cell.seed);
  });
  return part;
}

std::string pairing_obstacle(const PredictionTable& first, const PredictionTable& second) {
  if (first.layout.task() != second.layout.task() ||
      first.layout.class_names() != second.layout.class_names()) {
    return fmt::format("the first recognises {} and the second {}",
                       fmt::join(first.layout.metric_names(), ", "),
                       fmt::join(second.layout.metric_names(), ", "));
  }
  for (const TestFold& fold : first.folds) {
    const auto twin = std::find_if(second.folds.begin(), second.folds.end(),
                                   [&](const TestFold& other) { return other.fold == fold.fold; });
    if (twin == second.folds.end()) continue;
    auto obstacle = obstacle_in_fold(fold, *twin);
    if (!obstacle.empty()) return obstacle;
  }
  return "";
}

}  // namespace hardy
