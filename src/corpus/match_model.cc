#include "corpus/match_model.h"

#include <algorithm>
#include <cmath>
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

/// Utterances of each class. Shapes: -> [C].
std::vector<std::int64_t> members_of(const Corpus& corpus) {
  std::vector<std::int64_t> members(corpus.class_names.size(), 0);
  for (const auto& utterance : corpus.utterances) {
    if (utterance.is_labelled()) ++members[static_cast<std::size_t>(utterance.label)];
  }
  return members;
}

/// Place of a class among `names`, -1 when it is none of them.
int place_in(const Names& names, const std::string& name) {
  const auto wanted = normal_form(name);
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (normal_form(names[c]) == wanted) return static_cast<int>(c);
  }
  return -1;
}

[[noreturn]] void refuse_classes(const Corpus& corpus, const Names& unknown, const Names& classes) {
  if (are_numbers(corpus.class_names) != are_numbers(classes)) {
    throw DataError(fmt::format(
        "{}: its classes are {}, the model's are {}: names and numbers cannot be matched; name the "
        "corpus's classes in the order of their numbers, class_names = [..] in corpus.toml",
        corpus.source, fmt::join(corpus.class_names, ", "), fmt::join(classes, ", ")));
  }
  const auto nearest = meant_by(unknown.front(), classes);
  throw DataError(fmt::format(
      "{}: {} of its classes {} unknown to the model: {}; the model's are {}{}; say what counts as "
      "what, --map {}={}, or leave its utterances out, --map {}=-",
      corpus.source, unknown.size(), unknown.size() == 1 ? "is" : "are", fmt::join(unknown, ", "),
      fmt::join(classes, ", "),
      nearest.empty() ? "" : fmt::format("; is '{}' '{}'?", unknown.front(), nearest),
      unknown.front(), nearest.empty() ? classes.front() : nearest, unknown.front()));
}

/// Throws for an entry that names no class of the corpus or counts it as no scored class.
void check_entries(const Corpus& corpus, const Names& classes, const ClassMap& map) {
  for (const auto& entry : map.entries) {
    if (entry.is_of_model) continue;
    if (place_in(corpus.class_names, entry.from) < 0) {
      throw ConfigError(
          fmt::format("--map {}: {} has no such class; it has {}{}", entry.from, corpus.source,
                      fmt::join(corpus.class_names, ", "),
                      place_in(classes, entry.from) < 0
                          ? ""
                          : fmt::format("; for the model's class write model:{}", entry.from)));
    }
    if (!entry.to.empty() && place_in(classes, entry.to) < 0) {
      throw ConfigError(fmt::format("--map {}={}: '{}' is no class of the model; it has {}",
                                    entry.from, entry.to, entry.to, fmt::join(classes, ", ")));
    }
  }
}

/// Where each class of the corpus goes: a place in `classes`, -1 = left out.
std::vector<int> places_of(const Corpus& corpus, const Names& classes, const ClassMap& map) {
  const auto members = members_of(corpus);
  Names unknown;
  std::vector<int> places;
  for (std::size_t c = 0; c < corpus.class_names.size(); ++c) {
    const auto& name = corpus.class_names[c];
    const ClassMapEntry* entry = map.find(name, false);
    places.push_back(place_in(classes, entry == nullptr ? name : entry->to));
    const bool is_left_out = entry != nullptr && entry->to.empty();
    if (places.back() < 0 && !is_left_out && members[c] > 0) unknown.push_back(name);
  }
  if (!unknown.empty()) refuse_classes(corpus, unknown, classes);
  return places;
}

/// What the map did, for the notes of a result.
void note_map(const Corpus& corpus, const ClassMap& map, std::vector<std::string>& notes) {
  const auto members = members_of(corpus);
  Names counted;
  Names left_out;
  Names answers;
  for (const auto& entry : map.entries) {
    if (entry.is_of_model) {
      answers.push_back(entry.to.empty() ? fmt::format("{} is left out", entry.from)
                                         : fmt::format("{} counts as {}", entry.from, entry.to));
      continue;
    }
    const auto c = static_cast<std::size_t>(place_in(corpus.class_names, entry.from));
    auto& list = entry.to.empty() ? left_out : counted;
    list.push_back(entry.to.empty()
                       ? fmt::format("{} ({})", entry.from, members[c])
                       : fmt::format("{} as {} ({})", entry.from, entry.to, members[c]));
  }
  if (!counted.empty()) {
    notes.push_back(fmt::format("--map: utterances that count: {}", fmt::join(counted, ", ")));
  }
  if (!left_out.empty()) {
    notes.push_back(fmt::format("--map: utterances left out, which are context only: {}",
                                fmt::join(left_out, ", ")));
  }
  if (!answers.empty()) {
    notes.push_back(fmt::format("--map: of the model's answers {}", fmt::join(answers, ", ")));
  }
}

/// Of the sign of values learned as two classes: it is scored by the values only where the classes
/// are the same two; otherwise an utterance of value 0, which is neither, is left out.
void leave_values(Corpus& corpus, const Names& classes) {
  if (corpus.values.empty() || classes == Names{"negative", "positive"}) return;
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    if (corpus.values[i] == 0) corpus.utterances[i].label = std::nanf("");
  }
  corpus.values.clear();
}

/// Throws when the map left no utterance with a label.
void require_members(const Corpus& corpus, const ClassMap& map) {
  const bool has_any = std::any_of(corpus.utterances.begin(), corpus.utterances.end(),
                                   [](const Utterance& one) { return one.is_labelled(); });
  if (has_any || map.entries.empty()) return;
  throw ConfigError(fmt::format(
      "--map leaves out every labelled utterance of {}; nothing is left to score", corpus.source));
}

void match_classes(Corpus& corpus, const Names& classes, const ClassMap& map) {
  const auto places = places_of(corpus, classes, map);
  for (auto& utterance : corpus.utterances) {
    if (!utterance.is_labelled()) continue;
    const int place = places[static_cast<std::size_t>(utterance.label)];
    utterance.label = place < 0 ? std::nanf("") : static_cast<float>(place);
  }
  require_members(corpus, map);
  corpus.class_names = classes;
  corpus.shares.clear();  // ratings are training targets only
}

/// The scored classes in the order of the corpus where it has all of them, so that the sign of
/// values keeps its order.
void order_as_corpus(const Corpus& corpus, MatchedClasses& matched) {
  Names order;
  for (const auto& name : corpus.class_names) {
    if (place_in(matched.names, name) >= 0) order.push_back(name);
  }
  if (order.size() != matched.names.size()) return;
  for (auto& place : matched.places) {
    if (place >= 0) place = place_in(order, matched.names[static_cast<std::size_t>(place)]);
  }
  matched.names = std::move(order);
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
  std::vector<std::string> unread;
  match_labels(corpus, info, {}, unread);
}

MatchedClasses match_labels(Corpus& corpus, const BundleInfo& info, const ClassMap& map,
                            std::vector<std::string>& notes) {
  const std::string own = label_kind_name(corpus.label_kind);
  if (own != info.label_kind) {
    throw DataError(fmt::format("{}: its labels are {}, the model answers with {}", corpus.source,
                                kind_text(own), kind_text(info.label_kind)));
  }
  if (own != "class" && !map.entries.empty()) {
    throw ConfigError(fmt::format("--map is for classes; the labels of {} are {}", corpus.source,
                                  kind_text(own)));
  }
  if (own == "labels" || own == "values") match_targets(corpus, info.target_names);
  if (own != "class") return {};
  MatchedClasses matched = classes_under(info.class_names, map);
  if (matched.changes_outputs()) order_as_corpus(corpus, matched);
  leave_values(corpus, matched.names);
  check_entries(corpus, matched.names, map);
  note_map(corpus, map, notes);
  if (are_numbers(corpus.class_names) && are_numbers(matched.names) &&
      corpus.checksum != info.data_checksum) {
    notes.push_back(
        "the classes of the corpus and of the model are numbers, matched by number; name them "
        "(class_names in corpus.toml) to be sure that they mean the same");
  }
  match_classes(corpus, matched.names, map);
  return matched;
}

}  // namespace hardy
