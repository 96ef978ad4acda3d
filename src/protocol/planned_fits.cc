#include "protocol/planned_fits.h"

#include <algorithm>

#include <fmt/format.h>

#include "hardy/results.h"
#include "hardy/split.h"
#include "protocol/masks.h"

namespace hardy {
namespace {

bool has_track(const Config& config, Tracks track) {
  return config.protocol.tracks == Tracks::kBoth || config.protocol.tracks == track;
}

/// The patterns of the specialists.
std::vector<Pattern> specialist_patterns(const Config& config, const Corpus& corpus,
                                         bool is_masked) {
  if (is_masked) return {Pattern::complete(corpus.modality_count())};
  return parse_conditions(config.protocol.conditions, corpus.modality_names());
}

}  // namespace

std::vector<Pattern> unified_patterns(int modalities, const std::vector<Pattern>& conditions) {
  constexpr int kMostForAll = 6;
  if (modalities <= kMostForAll) return all_patterns(modalities);
  // Masks alone do not determine patterns.
  return conditions.empty() ? std::vector<Pattern>{Pattern::complete(modalities)} : conditions;
}

std::vector<Pattern> trained_patterns(const Config& config, const Corpus& corpus, bool is_masked) {
  const auto conditions = parse_conditions(config.protocol.conditions, corpus.modality_names());
  return has_track(config, Tracks::kUnified) ? unified_patterns(corpus.modality_count(), conditions)
                                             : specialist_patterns(config, corpus, is_masked);
}

std::vector<PlannedFit> planned_fits(const Config& config, const Corpus& corpus, bool is_masked) {
  const auto names = corpus.modality_names();
  const auto conditions = parse_conditions(config.protocol.conditions, names);
  std::vector<PlannedFit> fits;
  if (has_track(config, Tracks::kSpecialist)) {
    for (const auto condition : specialist_patterns(config, corpus, is_masked)) {
      fits.push_back({"specialist",
                      {condition},
                      fmt::format("specialist {{{}}}", pattern_label(condition, names))});
    }
  }
  if (has_track(config, Tracks::kUnified)) {
    fits.push_back({"unified", unified_patterns(corpus.modality_count(), conditions), "unified"});
  }
  return fits;
}

RunDivision division_of(const Config& config, const Corpus& corpus) {
  const auto plan = checked_plan(config, corpus);
  const auto count = [](std::size_t number) { return static_cast<std::int64_t>(number); };
  const std::int64_t masked = has_own_models(plan) ? count(plan.masks.size()) : 0;
  const std::int64_t plain = trains_as_it_is(plan) ? 1 : 0;
  const std::int64_t folds = count(make_folds(corpus, config.protocol).size());
  RunDivision division;
  division.groups = (plain + masked) * folds * count(config.run.seeds.size());
  if (plain > 0) division.fits_per_group = count(planned_fits(config, corpus).size());
  if (masked > 0) {
    division.fits_per_group =
        std::max(division.fits_per_group, count(planned_fits(config, corpus, true).size()));
  }
  return division;
}

}  // namespace hardy
