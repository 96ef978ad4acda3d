#include "hardy/corpus.h"

#include <cmath>
#include <set>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>

#include "base/checksum.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

[[noreturn]] void broken(const Corpus& corpus, const std::string& what) {
  const std::string& where = corpus.source.empty() ? corpus.name : corpus.source;
  throw DataError(fmt::format("{}: {}; `hardy data check` lists every problem of a corpus",
                              where.empty() ? "corpus" : where, what));
}

void validate_classes(const Corpus& corpus) {
  const bool is_class = corpus.label_kind == LabelKind::kClass;
  if (!is_class && !corpus.class_names.empty()) {
    broken(corpus, "labels are values, yet classes are named");
  }
  if (is_class && corpus.class_names.empty()) {
    broken(corpus, "no label names a class; check the labels");
  }
  const bool has_targets =
      corpus.label_kind == LabelKind::kLabels || corpus.label_kind == LabelKind::kValues;
  if (has_targets == corpus.target_names.empty()) {
    broken(corpus, fmt::format("{} names of labels do not fit one or several labels per utterance",
                               corpus.target_names.size()));
  }
  std::set<std::string> names;
  for (const auto& name : is_class ? corpus.class_names : corpus.target_names) {
    if (name.empty() || !names.insert(name).second) {
      broken(corpus, fmt::format("class name '{}' is empty or given twice", name));
    }
  }
}

void validate_dialogues(const Corpus& corpus) {
  std::unordered_set<std::string_view> ids;
  std::int64_t next = 0;
  for (std::size_t d = 0; d < corpus.dialogues.size(); ++d) {
    const Dialogue& dialogue = corpus.dialogues[d];
    if (dialogue.id.empty() || !ids.insert(dialogue.id).second) {
      broken(corpus, fmt::format("dialogue id '{}' is empty or given twice", dialogue.id));
    }
    if (dialogue.count < 1) {
      broken(corpus, fmt::format("dialogue {} has no utterance; remove it", dialogue.id));
    }
    if (dialogue.first != next || dialogue.count > corpus.size() - next) {
      broken(corpus, fmt::format("dialogue {} does not follow the one before it", dialogue.id));
    }
    for (std::int64_t j = 0; j < dialogue.count; ++j) {
      const Utterance& utterance = corpus.utterances[static_cast<std::size_t>(next + j)];
      if (utterance.dialogue != static_cast<std::int64_t>(d) || utterance.position != j) {
        broken(corpus, fmt::format("utterance {} is not at place {} of dialogue {}", utterance.id,
                                   j, dialogue.id));
      }
    }
    next += dialogue.count;
  }
  if (next != corpus.size()) {
    broken(corpus, fmt::format("{} utterances belong to no dialogue", corpus.size() - next));
  }
}

void validate_utterances(const Corpus& corpus) {
  std::unordered_set<std::string_view> ids;
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    const Utterance& utterance = corpus.utterances[static_cast<std::size_t>(i)];
    if (utterance.id.empty()) broken(corpus, fmt::format("utterance {} has no id", i));
    if (!ids.insert(utterance.id).second) {
      broken(corpus, fmt::format("utterance id '{}' is given twice", utterance.id));
    }
    if (!utterance.is_labelled()) continue;
    if (!std::isfinite(utterance.label)) {
      broken(corpus, fmt::format("the label of utterance {} is not a finite number", utterance.id));
    }
    const float label = utterance.label;
    if (corpus.label_kind == LabelKind::kClass &&
        (label < 0 || label >= static_cast<float>(corpus.class_count()) ||
         label != std::floor(label))) {
      broken(corpus,
             fmt::format("label {} of utterance {} is not one of the {} classes (0..{})", label,
                         utterance.id, corpus.class_count(), corpus.class_count() - 1));
    }
  }
}

void validate_modality(const Corpus& corpus, const ModalityData& modality) {
  const auto size = static_cast<std::size_t>(corpus.size());
  if (modality.width < 1) {
    broken(corpus, fmt::format("modality {} has width {}", modality.name, modality.width));
  }
  if (modality.present.size() != size ||
      modality.features.size() != size * static_cast<std::size_t>(modality.width)) {
    throw ShapeError(fmt::format(
        "{}: modality {} holds {} marks and {} values; {} utterances of width {} need {} and {}",
        corpus.source, modality.name, modality.present.size(), modality.features.size(), size,
        modality.width, size, size * static_cast<std::size_t>(modality.width)));
  }
}

void validate_features(const Corpus& corpus, const ModalityData& modality) {
  for (std::size_t i = 0; i < modality.features.size(); ++i) {
    if (std::abs(modality.features[i]) <= kLargestFeature) continue;  // false for NaN
    const auto width = static_cast<std::size_t>(modality.width);
    broken(corpus, fmt::format("feature {} of modality {} of utterance {} is {}; extract it again "
                               "or mark the modality as missing",
                               i % width, modality.name, corpus.utterances[i / width].id,
                               modality.features[i]));
  }
}

void validate_modalities(const Corpus& corpus) {
  if (corpus.modalities.empty() || corpus.modality_count() > kMaxModalities) {
    broken(corpus, fmt::format("{} modalities; between 1 and {} are possible",
                               corpus.modality_count(), kMaxModalities));
  }
  std::set<std::string> names;
  for (const ModalityData& modality : corpus.modalities) {
    if (modality.name.empty() || !names.insert(modality.name).second) {
      broken(corpus, fmt::format("modality name '{}' is empty or given twice", modality.name));
    }
    validate_modality(corpus, modality);
  }
}

void validate_extras(const Corpus& corpus) {
  const auto size = static_cast<std::size_t>(corpus.size());
  if (!corpus.true_difficulty.empty() && corpus.true_difficulty.size() != size) {
    broken(corpus,
           fmt::format("{} difficulties for {} utterances", corpus.true_difficulty.size(), size));
  }
  for (const float difficulty : corpus.true_difficulty) {
    if (!(difficulty >= 0 && difficulty <= 1)) {
      broken(corpus, fmt::format("difficulty {} lies outside [0, 1]", difficulty));
    }
  }
  if (!corpus.values.empty() && corpus.values.size() != size) {
    broken(corpus, fmt::format("{} values for {} utterances", corpus.values.size(), size));
  }
  const auto check_table = [&](const std::vector<float>& numbers, std::size_t width,
                               const char* what) {
    if (numbers.size() != size * width) {
      broken(corpus, fmt::format("{} {} for {} utterances with {} each", numbers.size(), what, size,
                                 width));
    }
    for (const float number : numbers) {
      if (!std::isfinite(number)) broken(corpus, fmt::format("{} of {} is none", what, number));
    }
  };
  check_table(corpus.targets, corpus.target_names.size(), "labels");
  if (!corpus.shares.empty()) check_table(corpus.shares, corpus.class_names.size(), "shares");
}

template <typename Number>
void add_number(Sha256& digest, Number number) {
  digest.add(&number, sizeof number);
}

}  // namespace

const char* label_kind_name(LabelKind kind) {
  switch (kind) {
    case LabelKind::kClass:
      return "class";
    case LabelKind::kValue:
      return "value";
    case LabelKind::kLabels:
      return "labels";
    case LabelKind::kValues:
      return "values";
  }
  return "class";
}

const char* part_name(Part part) {
  switch (part) {
    case Part::kNone:
      return "";
    case Part::kTrain:
      return "train";
    case Part::kValidation:
      return "validation";
    case Part::kTest:
      return "test";
  }
  return "";
}

std::vector<std::string> Corpus::modality_names() const {
  std::vector<std::string> names;
  for (const auto& modality : modalities) names.push_back(modality.name);
  return names;
}

Pattern Corpus::present_pattern(std::int64_t i) const {
  std::uint32_t bits = 0;
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    if (modalities[m].present[static_cast<std::size_t>(i)] != 0) bits |= 1U << m;
  }
  return Pattern(bits);
}

void validate_corpus(const Corpus& corpus) {
  validate_outline(corpus);
  for (const ModalityData& modality : corpus.modalities) validate_features(corpus, modality);
}

void validate_outline(const Corpus& corpus) {
  if (corpus.utterances.empty()) broken(corpus, "it has no utterance");
  validate_classes(corpus);
  validate_modalities(corpus);
  validate_dialogues(corpus);
  validate_utterances(corpus);
  validate_extras(corpus);
}

void require_unchanged(const Corpus& corpus) {
  for (const auto& modality : corpus.modalities) modality.features.require_unchanged();
}

std::string corpus_checksum(const Corpus& corpus) {
  Sha256 digest;
  digest.add("hardy corpus 1");
  add_number(digest, static_cast<std::int64_t>(corpus.label_kind));
  add_number(digest, corpus.class_count());
  for (const auto& name : corpus.class_names) digest.add(name);
  add_number(digest, static_cast<std::int64_t>(corpus.dialogues.size()));
  for (const Dialogue& dialogue : corpus.dialogues) {
    digest.add(dialogue.id).add(dialogue.group);
    add_number(digest, dialogue.count);
    add_number(digest, static_cast<std::int64_t>(dialogue.part));
  }
  add_number(digest, corpus.size());
  for (const Utterance& utterance : corpus.utterances) {
    digest.add(utterance.id).add(utterance.speaker);
    add_number(digest, utterance.dialogue);
    add_number(digest, utterance.position);
    add_number(digest, utterance.label);
  }
  add_number(digest, static_cast<std::int64_t>(corpus.modalities.size()));
  for (const ModalityData& modality : corpus.modalities) {
    digest.add(modality.name);
    add_number(digest, modality.width);
    digest.add(modality.present.data(), modality.present.size());
    digest.add(modality.features.data(), modality.features.size() * sizeof(float));
  }
  add_number(digest, static_cast<std::int64_t>(corpus.values.size()));
  digest.add(corpus.values.data(), corpus.values.size() * sizeof(float));
  for (const auto& name : corpus.target_names) digest.add(name);
  digest.add(corpus.targets.data(), corpus.targets.size() * sizeof(float));
  digest.add(corpus.shares.data(), corpus.shares.size() * sizeof(float));
  return digest.hex();
}

}  // namespace hardy
