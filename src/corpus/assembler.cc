#include "corpus/assembler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "corpus/label_column.h"
#include "corpus/label_words.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kMostClasses = 1000;

/// CMU-MOSEI's emotions; each is present when above 0.
constexpr std::array<std::string_view, 6> kMoseiEmotions = {"happy",    "sad",     "anger",
                                                            "surprise", "disgust", "fear"};

}  // namespace

std::size_t CorpusAssembler::add_modality(const std::string& name, std::int64_t width,
                                          bool is_sequence) {
  if (width < 1) {
    throw DataError(fmt::format("{}: modality {} has width {}", source_, name, width));
  }
  ModalityData& modality = modalities_.emplace_back();
  modality.name = name;
  modality.width = is_sequence ? rules_.vector_width(width) : width;
  modality.features.assign(records_.size() * static_cast<std::size_t>(modality.width), 0.0F);
  modality.present.assign(records_.size(), 0);
  widths_.push_back(width);
  is_sequence_.push_back(is_sequence);
  skipped_.push_back(0);
  return modalities_.size() - 1;
}

void CorpusAssembler::add_vectors(ModalityData modality) {
  check(modality.present.size() == records_.size(), "a row for every record");
  widths_.push_back(modality.width);
  is_sequence_.push_back(false);
  skipped_.push_back(0);
  modalities_.push_back(std::move(modality));
}

void CorpusAssembler::set(std::size_t m, std::size_t record, std::span<const float> frames,
                          const std::string& where) {
  ModalityData& modality = modalities_[m];
  SequenceRules rules = rules_;
  rules.has_deviation = rules.has_deviation && is_sequence_[m];
  float* out = modality.features.data() + record * static_cast<std::size_t>(modality.width);
  const SequenceOutcome outcome = reduce_sequence(frames, widths_[m], rules, out);
  modality.present[record] = outcome.is_present ? 1 : 0;
  skipped_[m] += outcome.skipped;
  if (!outcome.bad || rules.bad != BadFeatures::kRefuse) return;
  add_finding({Severity::kError, "not-finite", where,
               fmt::format("value {} of frame {} is {}", outcome.bad->column, outcome.bad->frame,
                           outcome.bad->value),
               "extract it again, or leave such frames out: --set data.not_finite=skip-frames"});
}

void CorpusAssembler::split_mixed_dialogues() {
  std::map<std::string, std::set<Part>> parts;
  for (const Record& record : records_) parts[record.dialogue].insert(record.part);
  std::erase_if(parts, [](const auto& entry) { return entry.second.size() < 2; });
  if (parts.empty()) return;
  for (Record& record : records_) {
    if (!parts.contains(record.dialogue)) continue;
    record.dialogue +=
        fmt::format(" ({})", record.part == Part::kNone ? "no part" : part_name(record.part));
  }
  add_finding({Severity::kWarning, "dialogue-both-sides", source_,
               fmt::format("{} recordings ({}, ...) have utterances in several parts of the split",
                           parts.size(), parts.begin()->first),
               "the utterances of each part are read as a dialogue of their own; the score may "
               "flatter, because speakers and scenes of the test part were trained on"});
}

void CorpusAssembler::separate_parts(bool is_asked) {
  std::map<std::string_view, std::set<Part>> parts;
  for (const Record& record : records_) parts[record.id].insert(record.part);
  const auto repeated = std::count_if(parts.begin(), parts.end(),
                                      [](const auto& entry) { return entry.second.size() > 1; });
  if (repeated == 0 && !is_asked) return;
  parts.clear();  // its keys would become dangling
  for (Record& record : records_) {
    if (record.part == Part::kNone) continue;
    record.id = fmt::format("{}_{}", part_name(record.part), record.id);
  }
  if (is_asked) return;
  add_finding({Severity::kWarning, "ids-by-part", source_,
               fmt::format("{} ids start again in each part of the split", repeated),
               "every id got its part in front (train_, validation_, test_)"});
}

void CorpusAssembler::check_ids() {
  std::unordered_set<std::string_view> seen;
  for (const Record& record : records_) {
    const bool is_new = seen.insert(record.id).second;
    if (is_new && !record.id.empty()) continue;
    add_finding({Severity::kError, record.id.empty() ? "bad-id" : "duplicate-id",
                 fmt::format("{}, utterance '{}'", source_, record.id),
                 record.id.empty() ? "it has no id" : "it is listed twice",
                 "keep one of the two, or give it another id"});
  }
}

void CorpusAssembler::apply_classes(const LabelColumn& column, Corpus& corpus,
                                    std::vector<float>& labels) {
  corpus.label_kind = LabelKind::kClass;
  if (column.texts.empty()) {
    corpus.class_names = column.class_names;
    labels = column.values;
    return;
  }
  std::set<std::string> names(column.texts.begin(), column.texts.end());
  for (const auto& mark : marks_) names.erase(mark);
  if (names.size() > kMostClasses) {
    throw DataError(
        fmt::format("{}: label '{}' has {} different texts; at most {} classes are read", source_,
                    column.name, names.size(), kMostClasses));
  }
  corpus.class_names.assign(names.begin(), names.end());
  for (const std::string& text : column.texts) {
    const auto found = names.find(text);
    labels.push_back(
        found == names.end() ? NAN : static_cast<float>(std::distance(names.begin(), found)));
  }
}

const LabelColumn& CorpusAssembler::find_label(const std::string& name) const {
  if (labels_.empty()) throw DataError(fmt::format("{}: it has no labels", source_));
  if (name.empty()) return labels_[0];
  for (const auto& column : labels_) {
    if (column.name == name) return column;
  }
  for (const auto& column : labels_) {
    if (column.name.ends_with("_" + name)) return column;  // "T" for "regression_labels_T"
  }
  std::vector<std::string> names;
  for (const auto& column : labels_) names.push_back(column.name);
  throw ConfigError(
      fmt::format("{}: it has no label '{}'; there are {}", source_, name, fmt::join(names, ", ")));
}

void CorpusAssembler::choose_label(const DataConfig& config, Corpus& corpus,
                                   std::vector<float>& labels) {
  if (config.label == kNoLabel) {
    corpus.label_kind = LabelKind::kValue;
    labels.assign(records_.size(), NAN);
    is_nan_unlabelled_ = true;
    return;
  }
  const LabelColumn& found = find_label(config.label);
  is_nan_unlabelled_ = !found.texts.empty() || found.is_nan_unlabelled;
  if (!found.texts.empty() || !found.class_names.empty()) {
    apply_classes(found, corpus, labels);
  } else {
    corpus.label_kind = LabelKind::kValue;
    labels = found.values;
  }
  std::vector<std::string> others;
  for (const auto& column : labels_) {
    if (&column != &found) others.push_back(column.name);
  }
  if (others.empty()) return;
  add_finding(
      {Severity::kNote, "several-labels", source_,
       fmt::format("label '{}' is read; there are also {}", found.name, fmt::join(others, ", ")),
       "choose another one with --label NAME, or --set data.label=NAME"});
}

std::vector<const LabelColumn*> CorpusAssembler::choose_targets(const DataConfig& config) const {
  std::vector<const LabelColumn*> chosen;
  if (!config.label.empty()) {
    for (const auto& choice : parse_modality_choices(config.label)) {
      chosen.push_back(&find_label(choice.source));
    }
  } else {
    const bool wants_emotions = config.task == "labels";
    for (const auto& column : labels_) {
      const bool is_emotion = std::find(kMoseiEmotions.begin(), kMoseiEmotions.end(),
                                        column.name) != kMoseiEmotions.end();
      const bool is_value = column.texts.empty() && column.class_names.empty();
      if (wants_emotions ? is_emotion : is_value) chosen.push_back(&column);
    }
  }
  const bool are_numbers = std::all_of(chosen.begin(), chosen.end(), [](const LabelColumn* column) {
    return column->values.size() > 0;
  });
  if (chosen.size() >= 2 && are_numbers) return chosen;
  throw ConfigError(fmt::format(
      "{}: data.task '{}' needs at least two labels that are numbers; list them with --label "
      "happy,sad,..",
      source_, config.task));
}

void CorpusAssembler::fill_targets(const DataConfig& config, const std::vector<std::size_t>& order,
                                   Corpus& corpus, std::vector<float>& labels) {
  const auto columns = choose_targets(config);
  const bool is_presence = config.task == "labels";
  corpus.label_kind = is_presence ? LabelKind::kLabels : LabelKind::kValues;
  for (const LabelColumn* column : columns) corpus.target_names.push_back(column->name);
  labels.assign(records_.size(), 0.0F);
  for (const std::size_t i : order) {
    const bool is_unlabelled = std::all_of(
        columns.begin(), columns.end(),
        [&](const LabelColumn* column) { return is_unlabelled_number(column->values[i], marks_); });
    if (is_unlabelled) labels[i] = NAN;
    for (const LabelColumn* column : columns) {
      const float value = column->values[i];
      if (!is_unlabelled && !std::isfinite(value)) labels[i] = INFINITY;  // reported as an error
      const float target = is_presence ? (value > 0 ? 1.0F : 0.0F) : value;
      corpus.targets.push_back(is_unlabelled ? 0.0F : target);
    }
  }
  is_nan_unlabelled_ = true;
}

std::vector<std::size_t> CorpusAssembler::order_records() const {
  std::map<std::string_view, std::size_t> first;
  for (std::size_t i = 0; i < records_.size(); ++i) first.emplace(records_[i].dialogue, i);
  std::vector<std::size_t> order(records_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
    const Record& left = records_[x];
    const Record& right = records_[y];
    return std::pair(first.at(left.dialogue), left.order) <
           std::pair(first.at(right.dialogue), right.order);
  });
  return order;
}

void CorpusAssembler::check_class(const Record& record, float label, bool is_unlabelled,
                                  const Corpus& corpus) {
  if (corpus.label_kind != LabelKind::kClass || is_unlabelled || !std::isfinite(label)) return;
  if (label >= 0 && label < static_cast<float>(corpus.class_count())) return;
  add_finding(
      {Severity::kError, "label-range", fmt::format("{}, utterance {}", source_, record.id),
       fmt::format("its label is {}, outside of the {} classes", label, corpus.class_count()),
       fmt::format("correct it, or say that it means \"not labelled\": --set "
                   "data.unlabelled={}",
                   label)});
}

double CorpusAssembler::largest_value(const std::vector<float>& labels,
                                      const Corpus& corpus) const {
  double largest = -1;
  for (const float label : labels) {
    if (std::isfinite(label) && !is_filler(label))
      largest = std::max<double>(largest, std::abs(label));
  }
  // Of classes and of columns that were judged already none is a filler.
  const bool is_judged = corpus.label_kind != LabelKind::kValue || is_nan_unlabelled_;
  return is_judged || largest < 0 ? std::numeric_limits<double>::infinity() : largest;
}

void CorpusAssembler::fill_dialogues(const std::vector<std::size_t>& order,
                                     const std::vector<float>& labels, Corpus& corpus) {
  const double largest = largest_value(labels, corpus);
  for (const std::size_t i : order) {
    Record& record = records_[i];
    const bool is_new = corpus.dialogues.empty() || corpus.dialogues.back().id != record.dialogue;
    if (is_new) {
      corpus.dialogues.push_back({record.dialogue, corpus.size(), 0, record.group, record.part});
    }
    Dialogue& dialogue = corpus.dialogues.back();
    const bool is_unlabelled =
        is_unlabelled_number(labels[i], marks_) || (std::isnan(labels[i]) && is_nan_unlabelled_);
    check_class(record, labels[i], is_unlabelled, corpus);
    if (!std::isfinite(labels[i]) && !is_unlabelled) {
      add_finding({Severity::kError, "bad-label",
                   fmt::format("{}, utterance {}", source_, record.id),
                   fmt::format("its label is {}", labels[i]),
                   "label it, remove it, or say that it means \"not labelled\": --set "
                   "data.unlabelled=nan"});
    }
    if (!is_unlabelled && is_filler_among(labels[i], largest)) {
      add_finding({Severity::kError, "label-mark",
                   fmt::format("{}, utterance {}", source_, record.id),
                   fmt::format("its label {} stands among values of at most {}: it seems to mean "
                               "\"not labelled\"",
                               labels[i], largest),
                   fmt::format("say so with --set data.unlabelled={}, or correct it", labels[i])});
    }
    Utterance utterance;
    utterance.id = std::move(record.id);
    utterance.dialogue = static_cast<std::int64_t>(corpus.dialogues.size()) - 1;
    utterance.position = dialogue.count++;
    utterance.speaker = std::move(record.speaker);
    utterance.label = is_unlabelled ? NAN : labels[i];
    utterance.transcript = std::move(record.transcript);
    corpus.utterances.push_back(std::move(utterance));
  }
}

void CorpusAssembler::fill_modalities(const std::vector<std::size_t>& order, Corpus& corpus) {
  for (ModalityData& source : modalities_) {
    ModalityData& target = corpus.modalities.emplace_back();
    target.name = source.name;
    target.width = source.width;
    const auto width = static_cast<std::size_t>(source.width);
    std::vector<float>& ordered = target.features.own();
    ordered.reserve(source.features.size());
    for (const std::size_t i : order) {
      const auto first = source.features.begin() + static_cast<std::ptrdiff_t>(i * width);
      ordered.insert(ordered.end(), first, first + static_cast<std::ptrdiff_t>(width));
      target.present.push_back(source.present[i]);
    }
    source = {};
  }
}

void CorpusAssembler::add_counts() {
  for (std::size_t m = 0; m < modalities_.size(); ++m) {
    if (skipped_[m] == 0) continue;
    add_finding(
        {Severity::kWarning, "frames-left-out", "modality " + modalities_[m].name,
         fmt::format("{} frames with values that are NaN, infinite or beyond 1e18 were left "
                     "out of the mean",
                     skipped_[m]),
         "extract them again if they are many"});
  }
}

Reading CorpusAssembler::finish(const DataConfig& config, const std::string& name,
                                const std::string& layout) {
  if (records_.empty()) throw DataError(fmt::format("{}: it has no utterance", source_));
  if (modalities_.empty()) throw DataError(fmt::format("{}: it has no features", source_));
  separate_parts(config.ids == "by-part");
  check_ids();
  split_mixed_dialogues();
  add_counts();
  Reading reading;
  Corpus& corpus = reading.corpus;
  corpus.name = name;
  corpus.source = source_;
  corpus.layout = layout;
  if (std::any_of(is_sequence_.begin(), is_sequence_.end(), [](bool is) { return is; })) {
    corpus.layout += "; " + rules_.text();
  }
  std::vector<float> labels;
  marks_ = unlabelled_marks(config.unlabelled);
  const auto order = order_records();
  if (config.task == "labels" || config.task == "values") {
    fill_targets(config, order, corpus, labels);
  } else {
    choose_label(config, corpus, labels);
  }
  check(labels.size() == records_.size(), "a label for every record");
  fill_dialogues(order, labels, corpus);
  fill_modalities(order, corpus);
  reading.findings = std::move(findings_);
  return reading;
}

}  // namespace hardy
