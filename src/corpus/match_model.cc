#include "corpus/match_model.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/wording.h"
#include "formats/text.h"
#include "hardy/errors.h"
#include "hardy/load.h"

namespace hardy {
namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Names names_of(const BundleInfo& info) {
  Names names;
  for (const auto& modality : info.modalities) names.push_back(modality.name);
  return names;
}

/// The name in `known` that `name` probably means; empty if there is none.
std::string meant_by(const std::string& name, const Names& known) {
  for (const auto& candidate : known) {
    const bool is_same = lower_case(candidate) == lower_case(name);
    if (is_same || modality_of_folder(name) == candidate) return candidate;
  }
  return nearest_name(name, known);
}

/// Throws for a modality that is probably one of the model's under another name.
void refuse_misnamed(const Corpus& corpus, const Names& unknown, const Names& absent) {
  for (const auto& name : unknown) {
    const auto meant = meant_by(name, absent);
    if (meant.empty()) continue;
    throw DataError(fmt::format(
        "{}: the model knows no modality '{}'; is it '{}'? Rename its file, or say so: --set "
        "data.modalities={}={} (for hardy predict rename it)",
        corpus.source, name, meant, meant, name));
  }
}

bool are_numbers(const Names& names) {
  return !names.empty() && std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return to_integer(name).has_value();
  });
}

void match_classes(Corpus& corpus, const Names& classes) {
  std::map<std::string, std::size_t> places;
  for (std::size_t c = 0; c < classes.size(); ++c) places.emplace(normal_form(classes[c]), c);
  std::vector<int> is_used(corpus.class_names.size(), 0);
  for (const auto& utterance : corpus.utterances) {
    if (utterance.is_labelled()) is_used[static_cast<std::size_t>(utterance.label)] = 1;
  }
  Names unknown;
  std::vector<float> place_of(corpus.class_names.size(), 0);
  for (std::size_t c = 0; c < corpus.class_names.size(); ++c) {
    const auto found = places.find(normal_form(corpus.class_names[c]));
    if (found != places.end()) {
      place_of[c] = static_cast<float>(found->second);
    } else if (is_used[c] != 0) {
      unknown.push_back(corpus.class_names[c]);
    }
  }
  if (!unknown.empty() && are_numbers(corpus.class_names) != are_numbers(classes)) {
    throw DataError(fmt::format(
        "{}: its classes are {}, the model's are {}: names and numbers cannot be matched; name the "
        "corpus's classes in the order of their numbers, class_names = [..] in corpus.toml",
        corpus.source, fmt::join(corpus.class_names, ", "), fmt::join(classes, ", ")));
  }
  if (!unknown.empty()) {
    const auto nearest = meant_by(unknown.front(), classes);
    throw DataError(fmt::format(
        "{}: {} of its classes {} unknown to the model: {}; the model's are {}{}", corpus.source,
        unknown.size(), unknown.size() == 1 ? "is" : "are", fmt::join(unknown, ", "),
        fmt::join(classes, ", "),
        nearest.empty() ? "" : fmt::format("; is '{}' '{}'?", unknown.front(), nearest)));
  }
  for (auto& utterance : corpus.utterances) {
    if (utterance.is_labelled()) {
      utterance.label = place_of[static_cast<std::size_t>(utterance.label)];
    }
  }
  corpus.class_names = classes;
  corpus.shares.clear();  // ratings are training targets only
}

/// Columns of several labels, by name.
void match_targets(Corpus& corpus, const Names& names) {
  std::vector<std::size_t> columns;
  for (const auto& name : names) {
    const auto found =
        std::find_if(corpus.target_names.begin(), corpus.target_names.end(),
                     [&](const auto& own) { return normal_form(own) == normal_form(name); });
    if (found == corpus.target_names.end()) {
      throw DataError(fmt::format("{}: it has no label '{}'; its labels are {}, the model's are {}",
                                  corpus.source, name, fmt::join(corpus.target_names, ", "),
                                  fmt::join(names, ", ")));
    }
    columns.push_back(static_cast<std::size_t>(found - corpus.target_names.begin()));
  }
  std::vector<float> targets;
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    for (const auto t : columns)
      targets.push_back(corpus.targets[i * corpus.target_names.size() + t]);
  }
  corpus.targets = std::move(targets);
  corpus.target_names = names;
}

const char* kind_text(const std::string& kind) {
  if (kind == "class") return "one class per utterance";
  if (kind == "value") return "one value per utterance";
  return kind == "labels" ? "several emotions per utterance" : "several values per utterance";
}

}  // namespace

void match_modalities(Corpus& corpus, const BundleInfo& info, std::vector<std::string>& notes) {
  const Names wanted = names_of(info);
  const Names own = corpus.modality_names();
  Names unknown;
  Names absent;
  for (const auto& name : own) {
    if (!contains(wanted, name)) unknown.push_back(name);
  }
  for (const auto& name : wanted) {
    if (!contains(own, name)) absent.push_back(name);
  }
  refuse_misnamed(corpus, unknown, absent);
  if (absent.size() == wanted.size()) {
    throw DataError(fmt::format("{}: none of its modalities ({}) is one of the model's ({})",
                                corpus.source, fmt::join(own, ", "), fmt::join(wanted, ", ")));
  }
  if (!unknown.empty()) {
    notes.push_back(
        fmt::format("the model knows no modality {}: not used", fmt::join(unknown, ", ")));
  }
  if (!absent.empty()) {
    notes.push_back(
        fmt::format("the corpus has no {}: missing everywhere", fmt::join(absent, ", ")));
  }
  std::vector<ModalityData> matched;
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    const auto& modality = info.modalities[m];
    const auto found = std::find(own.begin(), own.end(), modality.name);
    if (found == own.end()) {
      const auto size = corpus.utterances.size();
      matched.push_back({modality.name, modality.width,
                         std::vector<float>(size * static_cast<std::size_t>(modality.width), 0.0F),
                         std::vector<std::uint8_t>(size, 0)});
      continue;
    }
    auto& data = corpus.modalities[static_cast<std::size_t>(found - own.begin())];
    if (data.width != modality.width) {
      throw DataError(
          fmt::format("{}: modality '{}' is {} wide, the model reads {}; use the extractor "
                      "it was trained with",
                      corpus.source, modality.name, data.width, modality.width));
    }
    check_maker(info, m, data.maker, corpus.source);
    matched.push_back(std::move(data));
  }
  corpus.modalities = std::move(matched);
}

void match_labels(Corpus& corpus, const BundleInfo& info) {
  const std::string own = label_kind_name(corpus.label_kind);
  if (own != info.label_kind) {
    throw DataError(fmt::format("{}: its labels are {}, the model answers with {}", corpus.source,
                                kind_text(own), kind_text(info.label_kind)));
  }
  if (own == "class") {
    match_classes(corpus, info.class_names);
  } else if (own != "value") {
    match_targets(corpus, info.target_names);
  }
}

}  // namespace hardy
