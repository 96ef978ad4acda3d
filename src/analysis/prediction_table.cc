#include "analysis/prediction_table.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/modality.h"

namespace hardy {
namespace {

bool is_same_truth(double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); }

/// Whether two rows of several labels or values are equal; unlabelled ones are empty.
bool is_same_row(std::span<const float> x, std::span<const float> y) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end());
}

/// 0..n-1, ordered by `less`.
template <typename Less>
std::vector<std::size_t> sorted_indices(std::size_t n, const Less& less) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), less);
  return order;
}

std::vector<std::size_t> name_order(const std::vector<std::string>& names) {
  return sorted_indices(names.size(),
                        [&](std::size_t x, std::size_t y) { return names[x] < names[y]; });
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
    const std::size_t width = first.targets.size() / first.utterances.size();
    const auto row_of = [&](const TestFold& fold) {
      return std::span(fold.targets).subspan(i * width, width);
    };
    if (!is_same_truth(first.truth[i], second.truth[i]) ||
        !is_same_row(row_of(first), row_of(second))) {
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

std::vector<std::string> PredictionTable::metric_names() const {
  auto names = layout.metric_names();
  if (has_areas) names.insert(names.end(), kAreaMetrics.begin(), kAreaMetrics.end());
  return names;
}

void PredictionTable::measure(const PredictionCell& cell, std::span<const double> weights,
                              std::span<double> values) const {
  const std::size_t width = layout.width();
  std::vector<double> tally(width, 0.0);
  for (std::size_t d = 0; d < weights.size(); ++d) {
    if (weights[d] == 0) continue;
    const double* row = cell.tallies.data() + d * width;
    for (std::size_t i = 0; i < width; ++i) tally[i] += weights[d] * row[i];
  }
  layout.metrics(tally, values);
  if (!has_areas) return;
  const auto areas = values.last(kAreaMetrics.size());
  const RiskCoverage risk = cell.areas.risk(weights);
  areas[0] = cell.areas.area(weights);
  areas[1] = risk.area;
  areas[2] = risk.excess;
}

std::string PredictionTable::complete() const {
  for (std::size_t i = 0; i < which.size(); ++i) {
    if (which[i] == Condition(Pattern::complete(modalities))) return conditions[i];
  }
  return "";
}

PredictionTableBuilder::PredictionTableBuilder(TallyLayout layout,
                                               std::vector<std::string> modality_names)
    : layout_(std::move(layout)),
      modality_names_(std::move(modality_names)),
      has_areas_(layout_.task() == TaskKind::kClass) {}

bool PredictionTableBuilder::Place::operator<(const Place& other) const {
  if (track != other.track) return track < other.track;
  if (condition != other.condition) return comes_before(condition, other.condition);
  return std::tie(fold, seed) < std::tie(other.fold, other.seed);
}

void PredictionTableBuilder::start(const std::string& track, const Condition& condition, int fold,
                                   std::int64_t seed) {
  const auto cell = cells_.try_emplace({track, condition, fold, seed}).first;
  place_ = &cell->first;
  cell_ = &cell->second;
  fold_ = &folds_[fold];
}

std::string PredictionTableBuilder::place_text(const Place& place) const {
  return fmt::format("{}, {{{}}}, fold {}, seed {}", place.track,
                     condition_label(place.condition, modality_names_), place.fold + 1, place.seed);
}

void PredictionTableBuilder::add(const Prediction& prediction) {
  check(cell_ != nullptr, "a prediction without its model");
  const auto& [dialogue, utterance, speaker, truth, predicted, outputs, targets] = prediction;
  const auto [place, is_new] =
      fold_->utterance_index.try_emplace(utterance, fold_->utterances.size());
  const std::size_t i = place->second;
  if (is_new) {
    const auto [known, is_new_dialogue] =
        fold_->dialogue_index.try_emplace(dialogue, fold_->dialogues.size());
    if (is_new_dialogue) {
      fold_->dialogues.push_back(dialogue);
      fold_->speakers.push_back(speaker);
    }
    fold_->utterances.push_back(
        {utterance, known->second, truth, {targets.begin(), targets.end()}});
  }
  const Utterance& known = fold_->utterances[i];
  if (!is_same_truth(known.truth, truth) || !is_same_row(known.targets, targets) ||
      fold_->dialogues[known.dialogue] != dialogue) {
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
  count(prediction, known.dialogue);
}

void PredictionTableBuilder::count(const Prediction& prediction, std::size_t dialogue) {
  const std::size_t width = layout_.width();
  const std::size_t begin = dialogue * width;
  if (cell_->tallies.size() < begin + width) cell_->tallies.resize(begin + width, 0);
  const auto& [name, utterance, speaker, truth, predicted, outputs, targets] = prediction;
  if (std::isnan(truth) || std::isnan(predicted)) return;
  const auto tally = std::span(cell_->tallies).subspan(begin, width);
  if (layout_.has_targets()) {
    layout_.add_targets(tally, targets, outputs);
    return;
  }
  layout_.add(tally, truth, predicted, outputs);
  has_areas_ = has_areas_ && !outputs.empty();
  if (!has_areas_) return;
  cell_->scored.push_back({dialogue, static_cast<std::size_t>(truth)});
  cell_->probabilities.insert(cell_->probabilities.end(), outputs.begin(), outputs.end());
}

std::string PredictionTableBuilder::clusters() const {
  std::map<std::string, std::set<int>> folds_of;  // speaker -> folds
  for (const auto& [number, fold] : folds_) {
    if (fold.dialogues.size() != fold.utterances.size()) return "dialogue";
    for (const auto& speaker : fold.speakers) folds_of[speaker].insert(number);
  }
  if (folds_.empty()) return "dialogue";
  // A speaker in some folds but not in all would be resampled separately in each, as if
  // independent.
  const auto is_usable = [&](const auto& entry) {
    return !entry.first.empty() &&
           (entry.second.size() == 1 || entry.second.size() == folds_.size());
  };
  return std::all_of(folds_of.begin(), folds_of.end(), is_usable) ? "speaker" : "utterance";
}

TestFold PredictionTableBuilder::sorted_fold(int number, const Fold& fold,
                                             const std::string& clusters) const {
  TestFold sorted;
  sorted.fold = number;
  sorted.dialogues = clusters == "speaker" ? fold.speakers : fold.dialogues;
  std::sort(sorted.dialogues.begin(), sorted.dialogues.end());
  const auto end = std::unique(sorted.dialogues.begin(), sorted.dialogues.end());
  sorted.dialogues.erase(end, sorted.dialogues.end());
  const auto& utterances = fold.utterances;
  for (const auto i : sorted_indices(utterances.size(), [&](std::size_t x, std::size_t y) {
         return utterances[x].name < utterances[y].name;
       })) {
    sorted.utterances.push_back(utterances[i].name);
    sorted.truth.push_back(utterances[i].truth);
    if (!layout_.has_targets()) continue;
    auto targets = utterances[i].targets;
    targets.resize(layout_.class_names().size());  // zeros where not labelled
    sorted.targets.insert(sorted.targets.end(), targets.begin(), targets.end());
  }
  return sorted;
}

PredictionCell PredictionTableBuilder::sorted_cell(const Place& place, const Cell& cell,
                                                   const std::string& clusters) const {
  const Fold& fold = folds_.at(place.fold);
  if (cell.count != fold.utterances.size()) {
    std::size_t lacking = 0;
    while (lacking < cell.seen.size() && cell.seen[lacking]) ++lacking;
    throw ArtifactError(fmt::format("({}) lacks a prediction of utterance {}", place_text(place),
                                    fold.utterances[lacking].name));
  }
  PredictionCell sorted;
  sorted.track = place.track;
  sorted.condition = condition_label(place.condition, modality_names_);
  sorted.fold = place.fold;
  sorted.seed = place.seed;
  const auto& names = clusters == "speaker" ? fold.speakers : fold.dialogues;
  const std::size_t width = layout_.width();
  const std::string* last = nullptr;
  std::vector<std::size_t> cluster_of(names.size());  // index of each dialogue's cluster
  for (const auto d : name_order(names)) {
    const auto source = std::span(cell.tallies).subspan(d * width, width);
    if (last == nullptr || *last != names[d]) {
      sorted.tallies.insert(sorted.tallies.end(), source.begin(), source.end());
    } else {
      const auto target = std::span(sorted.tallies).last(width);
      std::transform(source.begin(), source.end(), target.begin(), target.begin(), std::plus<>());
    }
    last = &names[d];
    cluster_of[d] = sorted.tallies.size() / width - 1;
  }
  if (has_areas_) {
    auto rows = cell.scored;
    for (AreaRow& row : rows) row.cluster = cluster_of[row.cluster];
    sorted.areas = AreaTable(rows, cell.probabilities, layout_.class_names().size());
  }
  return sorted;
}

PredictionTable PredictionTableBuilder::finish() const {
  PredictionTable table;
  table.layout = layout_;
  table.modalities = static_cast<int>(modality_names_.size());
  table.clusters = clusters();
  table.has_areas = has_areas_;
  std::set<std::string> tracks;
  std::set<std::int64_t> seeds;
  for (const auto& [number, fold] : folds_) {
    table.folds.push_back(sorted_fold(number, fold, table.clusters));
  }
  for (const auto& [place, cell] : cells_) {
    table.cells.push_back(sorted_cell(place, cell, table.clusters));
    tracks.insert(place.track);
    seeds.insert(place.seed);
    const auto known = std::find(table.which.begin(), table.which.end(), place.condition);
    if (known == table.which.end()) table.which.push_back(place.condition);
  }
  std::sort(table.which.begin(), table.which.end(),
            [](const Condition& x, const Condition& y) { return comes_before(x, y); });
  for (const auto& condition : table.which) {
    table.conditions.push_back(condition_label(condition, modality_names_));
  }
  table.tracks.assign(tracks.begin(), tracks.end());
  table.seeds.assign(seeds.begin(), seeds.end());
  return table;
}

std::vector<std::string> only_classes_of(const PredictionTable& table) {
  std::vector<double> all(table.layout.width(), 0.0);
  for (const auto& cell : table.cells) {
    for (std::size_t i = 0; i < cell.tallies.size(); ++i) all[i % all.size()] += cell.tallies[i];
  }
  std::vector<std::string> only;
  for (const auto& metric : table.metric_names()) {
    only.push_back(table.layout.only_class(all, metric));
  }
  return only;
}

std::int64_t cluster_count(const PredictionTable& table) {
  std::set<std::string> names;
  for (const auto& fold : table.folds) names.insert(fold.dialogues.begin(), fold.dialogues.end());
  return static_cast<std::int64_t>(names.size());
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
