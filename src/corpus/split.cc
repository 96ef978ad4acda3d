#include "hardy/split.h"
#include "base/wording.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/random.h"
#include "corpus/fold_check.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

using Indices = std::vector<std::int64_t>;

const Dialogue& dialogue_at(const Corpus& corpus, std::int64_t index) {
  return corpus.dialogues[static_cast<std::size_t>(index)];
}

Indices all_dialogues(const Corpus& corpus) {
  Indices all(corpus.dialogues.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

/// Sorted groups of the given dialogues without the empty name.
std::vector<std::string> groups_of(const Corpus& corpus, const Indices& dialogues) {
  std::set<std::string> names;
  for (const auto d : dialogues) names.insert(dialogue_at(corpus, d).group);
  names.erase("");
  return {names.begin(), names.end()};
}

bool has_part(const Corpus& corpus, const Indices& dialogues, Part part) {
  return std::any_of(dialogues.begin(), dialogues.end(),
                     [&](std::int64_t d) { return dialogue_at(corpus, d).part == part; });
}

/// Moves the dialogues that satisfy `is_chosen` out of `from`; both keep their order.
template <typename IsChosen>
Indices take_out(Indices& from, const IsChosen& is_chosen) {
  const auto first_taken = std::stable_partition(from.begin(), from.end(),
                                                 [&](std::int64_t d) { return !is_chosen(d); });
  Indices taken(first_taken, from.end());
  from.erase(first_taken, from.end());
  return taken;
}

/// Dialogues that must stay in one part together.
struct Unit {
  Indices dialogues;
  std::int64_t utterances = 0;
};

Unit unit_of(const Corpus& corpus, Indices dialogues) {
  Unit unit{std::move(dialogues), 0};
  for (const auto d : unit.dialogues) unit.utterances += dialogue_at(corpus, d).count;
  return unit;
}

std::vector<Unit> single_units(const Corpus& corpus, const Indices& dialogues) {
  std::vector<Unit> units;
  for (const auto d : dialogues) units.push_back(unit_of(corpus, {d}));
  return units;
}

/// One unit per set of dialogues that known speakers connect; in order of the first dialogue.
std::vector<Unit> speaker_units(const Corpus& corpus, const Indices& dialogues) {
  std::vector<std::size_t> parent(dialogues.size());
  std::iota(parent.begin(), parent.end(), 0U);
  const auto root_of = [&](std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  std::map<std::string_view, std::size_t> place_of_speaker;
  for (std::size_t i = 0; i < dialogues.size(); ++i) {
    const Dialogue& dialogue = dialogue_at(corpus, dialogues[i]);
    for (std::int64_t u = dialogue.first; u < dialogue.first + dialogue.count; ++u) {
      const auto& speaker = corpus.utterances[static_cast<std::size_t>(u)].speaker;
      if (speaker.empty()) continue;
      const auto known = place_of_speaker.emplace(speaker, i).first->second;
      const std::size_t other = root_of(known);
      const std::size_t own = root_of(i);
      parent[std::max(own, other)] = std::min(own, other);
    }
  }
  std::map<std::size_t, Indices> members;
  for (std::size_t i = 0; i < dialogues.size(); ++i) {
    members[root_of(i)].push_back(dialogues[i]);
  }
  std::vector<Unit> units;
  for (auto& [root, together] : members) units.push_back(unit_of(corpus, std::move(together)));
  return units;
}

double utterance_count(const std::vector<Unit>& units) {
  return std::accumulate(units.begin(), units.end(), 0.0, [](double sum, const Unit& unit) {
    return sum + static_cast<double>(unit.utterances);
  });
}

/// Speaker units if they divide into `folds` parts of about equal size, else single dialogues.
std::vector<Unit> units_for_folds(const Corpus& corpus, const Indices& dialogues,
                                  std::int64_t folds) {
  auto units = speaker_units(corpus, dialogues);
  const double fair_share = utterance_count(units) / static_cast<double>(folds);
  const bool is_balanced = static_cast<std::int64_t>(units.size()) >= folds &&
                           std::all_of(units.begin(), units.end(), [&](const Unit& unit) {
                             return static_cast<double>(unit.utterances) <= 1.5 * fair_share;
                           });
  return is_balanced ? units : single_units(corpus, dialogues);
}

/// Deals dialogues to `count` parts of about equal size: the largest units first, every `count`
/// units of similar size to the parts at random.
std::vector<Indices> deal(const Corpus& corpus, const Indices& dialogues, std::int64_t count,
                          Generator generator) {
  auto units = units_for_folds(corpus, dialogues, count);
  std::stable_sort(units.begin(), units.end(),
                   [](const Unit& x, const Unit& y) { return x.utterances > y.utterances; });
  std::vector<Indices> parts(static_cast<std::size_t>(count));
  Indices order;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const std::size_t place = i % parts.size();
    if (place == 0) order = draw_permutation(generator, count);
    auto& part = parts[static_cast<std::size_t>(order[place])];
    part.insert(part.end(), units[i].dialogues.begin(), units[i].dialogues.end());
  }
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

/// Random units whose utterances come closest to `target`; empty if none comes closer.
Indices draw_held_out(const std::vector<Unit>& units, double target, Generator& generator) {
  Indices held_out;
  double size = 0;
  std::size_t taken = 0;
  for (const auto i : draw_permutation(generator, static_cast<std::int64_t>(units.size()))) {
    const Unit& unit = units[static_cast<std::size_t>(i)];
    const double larger = size + static_cast<double>(unit.utterances);
    if (std::abs(larger - target) >= std::abs(size - target)) continue;
    if (taken + 1 == units.size()) break;  // a training part must remain
    held_out.insert(held_out.end(), unit.dialogues.begin(), unit.dialogues.end());
    size = larger;
    ++taken;
  }
  return held_out;
}

/// Throws when only some dialogues are marked. `kind`: kind of the finding.
template <typename IsUnmarked>
void require_whole(const Corpus& corpus, const std::string& kind, const IsUnmarked& is_unmarked) {
  std::vector<std::string> unmarked;
  for (const auto& dialogue : corpus.dialogues) {
    if (is_unmarked(dialogue)) unmarked.push_back(dialogue.id);
  }
  if (unmarked.empty()) return;
  const bool is_part = kind == "no-part";
  const std::size_t count = unmarked.size();
  unmarked.resize(std::min<std::size_t>(count, 5));
  throw FoldProblem(
      {Severity::kError, kind, corpus.name,
       fmt::format("{} of {} dialogues {}, others do: {}{}", count, corpus.dialogues.size(),
                   is_part ? "belong to no part of the official split" : "have no group",
                   fmt::join(unmarked, ", "), count > 5 ? ", .." : ""),
       is_part ? "mark each as train, validation or test, remove them, or use --set "
                 "protocol.split=kfold"
               : "name a group for each, or use --set protocol.split=kfold",
       false});
}

std::vector<Fold> official_fold(const Corpus& corpus) {
  Fold fold;
  fold.name = "official";
  fold.train = all_dialogues(corpus);
  if (!has_part(corpus, fold.train, Part::kTest)) {
    throw ConfigError(
        fmt::format("protocol.split = \"official\": {} marks no dialogue as test; use \"group\", "
                    "\"kfold\" or \"auto\", or mark the parts in the data",
                    corpus.name));
  }
  require_whole(corpus, "no-part",
                [](const Dialogue& dialogue) { return dialogue.part == Part::kNone; });
  fold.test = take_out(fold.train,
                       [&](std::int64_t d) { return dialogue_at(corpus, d).part == Part::kTest; });
  return {fold};
}

std::vector<Fold> group_folds(const Corpus& corpus) {
  const auto all = all_dialogues(corpus);
  const auto groups = groups_of(corpus, all);
  if (groups.size() < 2) {
    throw ConfigError(
        fmt::format("protocol.split = \"group\": {} has {} and needs 2 or more; use "
                    "\"kfold\" or \"auto\"",
                    corpus.name, counted(groups.size(), "group")));
  }
  require_whole(corpus, "no-group",
                [](const Dialogue& dialogue) { return dialogue.group.empty(); });
  std::vector<Fold> folds;
  for (const auto& group : groups) {
    Fold fold;
    fold.index = static_cast<int>(folds.size());
    fold.name = group;
    fold.train = all;
    fold.test =
        take_out(fold.train, [&](std::int64_t d) { return dialogue_at(corpus, d).group == group; });
    folds.push_back(std::move(fold));
  }
  return folds;
}

std::vector<Fold> random_folds(const Corpus& corpus, const ProtocolConfig& protocol) {
  const std::int64_t count = protocol.folds;
  const auto all = all_dialogues(corpus);
  const auto dialogues = static_cast<std::int64_t>(all.size());
  if (dialogues < 2) {
    throw ConfigError(fmt::format("{} has {}; training and testing need at least two of them",
                                  corpus.name, counted(all.size(), "dialogue")));
  }
  if (count < 2 || count > dialogues) {
    throw ConfigError(
        fmt::format("protocol.folds = {}: {} has {} dialogues, so 2 to {} folds are possible",
                    count, corpus.name, dialogues, dialogues));
  }
  const auto parts = deal(corpus, all, count,
                          Seeds(static_cast<std::uint64_t>(protocol.split_seed)).stream("folds"));
  std::vector<Fold> folds(parts.size());
  for (std::size_t f = 0; f < parts.size(); ++f) {
    Fold& fold = folds[f];
    fold.index = static_cast<int>(f);
    fold.name = fmt::format("{}/{}", f + 1, count);
    fold.test = parts[f];
    std::set_difference(all.begin(), all.end(), fold.test.begin(), fold.test.end(),
                        std::back_inserter(fold.train));
  }
  return folds;
}

/// The next group after the fold's test group, cyclically; by its number if that part is no group.
std::string validation_group(const Corpus& corpus, const ProtocolConfig& protocol,
                             const Fold& fold) {
  const auto groups = groups_of(corpus, fold.train);
  if (groups.size() < 2) {
    throw ConfigError(
        fmt::format("protocol.validation = \"group\": the training side of fold '{}' has {} "
                    "and needs 2 or more; use \"dialogue\" or \"auto\"",
                    fold.name, counted(groups.size(), "group")));
  }
  if (protocol.split == "group") {
    const auto next = std::upper_bound(groups.begin(), groups.end(), fold.name);
    return next == groups.end() ? groups.front() : *next;
  }
  return groups[static_cast<std::size_t>(fold.index) % groups.size()];
}

void hold_out_dialogues(const Corpus& corpus, const ProtocolConfig& protocol, Fold& fold) {
  auto units = speaker_units(corpus, fold.train);
  const double target = protocol.validation_share * utterance_count(units);
  Generator generator = Seeds(static_cast<std::uint64_t>(protocol.split_seed))
                            .stream("validation", {static_cast<std::int64_t>(fold.index)});
  Indices held_out = draw_held_out(units, target, generator);
  if (held_out.empty()) {  // no part keeps the speakers apart: they share too many dialogues
    units = single_units(corpus, fold.train);
    held_out = draw_held_out(units, target, generator);
  }
  if (held_out.empty() && units.size() >= 2) {  // every dialogue is larger than twice the target
    held_out = std::min_element(units.begin(), units.end(), [](const Unit& x, const Unit& y) {
                 return x.utterances < y.utterances;
               })->dialogues;
  }
  const std::set<std::int64_t> chosen(held_out.begin(), held_out.end());
  fold.validation = take_out(fold.train, [&](std::int64_t d) { return chosen.contains(d); });
}

/// Requires: `protocol.split` is not "auto".
void choose_validation(const Corpus& corpus, const ProtocolConfig& protocol, Fold& fold) {
  const auto is_marked = [&](std::int64_t d) {
    return dialogue_at(corpus, d).part == Part::kValidation;
  };
  std::string kind = protocol.validation;
  if (kind == "auto") {
    const bool is_official =
        protocol.split == "official" && has_part(corpus, fold.train, Part::kValidation);
    const bool has_groups = groups_of(corpus, fold.train).size() >= 2;
    kind = is_official ? "official" : has_groups ? "group" : "dialogue";
  }
  if (kind == "official") {
    if (!has_part(corpus, fold.train, Part::kValidation)) {
      throw ConfigError(
          fmt::format("protocol.validation = \"official\": {} marks no dialogue of the training "
                      "side of fold '{}' as validation; use \"group\", \"dialogue\" or \"auto\"",
                      corpus.name, fold.name));
    }
    fold.validation = take_out(fold.train, is_marked);
  } else if (kind == "group") {
    const auto group = validation_group(corpus, protocol, fold);
    fold.validation =
        take_out(fold.train, [&](std::int64_t d) { return dialogue_at(corpus, d).group == group; });
  } else {
    hold_out_dialogues(corpus, protocol, fold);
  }
}

void require_known(const std::string& field, const std::string& value,
                   const std::vector<std::string>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  throw ConfigError(fmt::format("{} = \"{}\" is unknown; it is one of {}", field, value,
                                fmt::join(allowed, ", ")));
}

/// The folds with all their problems. Throws when they cannot be made at all.
std::vector<Fold> build_folds(const Corpus& corpus, const ProtocolConfig& protocol,
                              std::vector<Finding>& findings) {
  require_known("protocol.split", protocol.split, {"auto", "official", "group", "kfold"});
  require_known("protocol.validation", protocol.validation,
                {"auto", "official", "group", "dialogue"});
  if (!(protocol.validation_share > 0 && protocol.validation_share < 1)) {
    throw ConfigError(fmt::format("protocol.validation_share = {}: it must lie between 0 and 1",
                                  protocol.validation_share));
  }
  const auto all = all_dialogues(corpus);
  if (all.empty()) throw DataError(fmt::format("{}: the corpus has no dialogue", corpus.name));
  ProtocolConfig resolved = protocol;
  if (resolved.split == "auto") {
    const bool has_groups = groups_of(corpus, all).size() >= 2;
    resolved.split = has_part(corpus, all, Part::kTest) ? "official"
                     : has_groups                       ? "group"
                                                        : "kfold";
  }
  std::vector<Fold> folds = resolved.split == "official" ? official_fold(corpus)
                            : resolved.split == "group"  ? group_folds(corpus)
                                                         : random_folds(corpus, resolved);
  for (auto& fold : folds) {
    choose_validation(corpus, resolved, fold);
    auto found = check_fold(corpus, fold, resolved.split == "official");
    std::move(found.begin(), found.end(), std::back_inserter(findings));
  }
  return folds;
}

}  // namespace

std::vector<Fold> make_folds(const Corpus& corpus, const ProtocolConfig& protocol) {
  std::vector<Finding> findings;
  auto folds = build_folds(corpus, protocol, findings);
  if (!findings.empty()) throw FoldProblem(findings.front());
  return folds;
}

std::vector<Finding> check_folds(const Corpus& corpus, const ProtocolConfig& protocol) {
  std::vector<Finding> findings;
  try {
    (void)build_folds(corpus, protocol, findings);
  } catch (const FoldProblem& problem) {
    findings.push_back(problem.finding());
  } catch (const Error& error) {
    findings.push_back({Severity::kError, "no-folds", corpus.source, error.what(),
                        "collect more dialogues, or use other settings: --set protocol.folds=.. or "
                        "protocol.split=..",
                        false});
  }
  return findings;
}

std::vector<std::vector<std::int64_t>> divide_dialogues(const Corpus& corpus,
                                                        const std::vector<std::int64_t>& dialogues,
                                                        std::int64_t parts, std::int64_t seed) {
  const auto count = std::min(parts, static_cast<std::int64_t>(dialogues.size()));
  return deal(corpus, dialogues, std::max<std::int64_t>(1, count),
              Seeds(static_cast<std::uint64_t>(seed)).stream("parts"));
}

std::vector<std::int64_t> known_dialogues(const Fold& fold) {
  Indices known;
  std::merge(fold.train.begin(), fold.train.end(), fold.validation.begin(), fold.validation.end(),
             std::back_inserter(known));
  return known;
}

std::vector<std::int64_t> utterances_of(const Corpus& corpus,
                                        const std::vector<std::int64_t>& dialogues) {
  std::vector<std::int64_t> utterances;
  for (const auto d : dialogues) {
    const Dialogue& dialogue = dialogue_at(corpus, d);
    for (std::int64_t i = 0; i < dialogue.count; ++i) utterances.push_back(dialogue.first + i);
  }
  std::sort(utterances.begin(), utterances.end());
  return utterances;
}

}  // namespace hardy
