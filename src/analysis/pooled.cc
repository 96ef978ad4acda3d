#include "analysis/pooled.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "analysis/comparison.h"
#include "analysis/distributions.h"
#include "hardy/condition.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "metrics/registry.h"

namespace hardy {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

/// The parts of a difference's variance: dialogues, training.
std::vector<Component> components_of(const Resampled& number) {
  std::vector<double> defined;
  std::copy_if(number.replicates.begin(), number.replicates.end(), std::back_inserter(defined),
               [](double value) { return !std::isnan(value); });
  const double deviation = mean_and_deviation(defined).deviation;
  const SeedSpread seeds = seed_spread_of(number);
  std::vector<Component> parts = {{deviation * deviation, static_cast<double>(number.freedom)}};
  if (seeds.freedom > 0) {
    parts.push_back({seeds.error * seeds.error, static_cast<double>(seeds.freedom)});
  }
  return parts;
}

/// Probability that T exceeds t; an infinite t is allowed.
double upper_t_probability(double t, double freedom) {
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  const double both = two_sided_t_probability(t, freedom);
  return t >= 0 ? both / 2 : 1 - both / 2;
}

double ratio_of(double value, double error) {
  if (error > 0) return value / error;
  return value == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), value);
}

const Resampled* find_number(const std::vector<Resampled>& numbers, const std::string& track,
                             const std::string& condition, const std::string& metric) {
  for (const auto& number : numbers) {
    if (number.track == track && number.condition == condition && number.metric == metric) {
      return &number;
    }
  }
  return nullptr;
}

/// Differences of one corpus by the pooled condition's name.
struct CorpusDifferences {
  std::string name;
  std::string metric;
  std::vector<std::pair<std::string, Resampled>> by_condition;
};

CorpusDifferences differences_of(const FinishedRun& first, const FinishedRun& second,
                                 const CompareRequest& request) {
  const auto ground =
      common_ground(first.predictions, first.name, second.predictions, second.name);
  const auto numbers_of = [&](const FinishedRun& run) {
    return resample(restricted_to(run.predictions, ground.folds, ground.seeds), request.bootstrap);
  };
  const auto one = numbers_of(first);
  const auto other = numbers_of(second);
  const auto first_track =
      request.first_track.empty() ? first.results.tracks.front() : request.first_track;
  const auto second_track = request.second_track.empty() ? first_track : request.second_track;
  CorpusDifferences result;
  result.name = first.manifest.data_name;
  result.metric =
      request.metrics.empty()
          ? first.results.headline.front()
          : metric_named(request.metrics.front(), first.predictions.layout.metric_names());
  if (!is_share(result.metric) || !is_higher_better(result.metric)) {
    throw ConfigError(fmt::format(
        "{}: only shares of which larger is better can be pooled over corpora, e.g. wa",
        result.metric));
  }
  const std::vector<std::pair<std::string, std::string>> conditions = {
      {kAverageLabel, kAverageLabel}, {"complete", first.predictions.complete()}};
  for (const auto& [name, label] : conditions) {
    const auto* x = find_number(one, first_track, label, result.metric);
    const auto* y = find_number(other, second_track, label, result.metric);
    if (x == nullptr || y == nullptr) continue;
    result.by_condition.emplace_back(name, difference_of(*x, *y));
  }
  if (result.by_condition.empty()) {
    throw ConfigError(fmt::format("{} and {} have no condition of one track in common: --tracks",
                                  first.name, second.name));
  }
  return result;
}

void check_pairs(const std::vector<FinishedRun>& runs) {
  if (runs.size() < 4 || runs.size() % 2 != 0) {
    throw ConfigError(fmt::format(
        "--pairs takes two runs for each of two or more corpora, and {} were given", runs.size()));
  }
  for (std::size_t i = 0; i < runs.size(); i += 2) {
    for (std::size_t j = 0; j < i; j += 2) {
      if (runs[i].manifest.data_checksum != runs[j].manifest.data_checksum) continue;
      throw ConfigError(fmt::format("{} and {} are runs on one corpus, which would count twice",
                                    runs[j].name, runs[i].name));
    }
  }
}

}  // namespace

double satterthwaite(const std::vector<Component>& components) {
  double sum = 0;
  double squares = 0;
  for (const auto& part : components) {
    sum += part.variance;
    squares += part.variance * part.variance / part.freedom;
  }
  return squares > 0 ? sum * sum / squares : std::numeric_limits<double>::infinity();
}

Pooled pool(const std::vector<std::pair<std::string, Resampled>>& differences, double level,
            double margin) {
  check(!differences.empty(), "no difference to pool");
  Pooled pooled;
  pooled.metric = differences.front().second.metric;
  const auto count = static_cast<double>(differences.size());
  std::vector<Component> components;
  for (const auto& [name, difference] : differences) {
    check(difference.metric == pooled.metric, "two metrics cannot be pooled");
    pooled.parts.push_back({name, difference.estimate, interval_of(difference, level),
                            p_value_of(difference)});
    pooled.estimate += difference.estimate / count;
    if (!difference.missing.empty() && pooled.interval.missing.empty()) {
      pooled.interval.missing = name + ": " + difference.missing;
    }
    for (auto part : components_of(difference)) {
      part.variance /= count * count;
      components.push_back(part);
    }
  }
  pooled.interval.low = pooled.interval.high = pooled.p = pooled.equivalence_p = kNoNumber;
  if (!pooled.interval.missing.empty()) return pooled;
  double variance = 0;
  for (const auto& part : components) variance += part.variance;
  pooled.error = std::sqrt(variance);
  pooled.freedom = std::min(satterthwaite(components), 1e6);  // beyond, t is normal
  const double half = t_quantile(1 - (1 - level) / 2, pooled.freedom) * pooled.error;
  pooled.interval.low = pooled.estimate - half;
  pooled.interval.high = pooled.estimate + half;
  const double t = std::abs(ratio_of(pooled.estimate, pooled.error));
  pooled.p = 2 * upper_t_probability(t, pooled.freedom);
  const double room = margin - std::abs(pooled.estimate);
  pooled.equivalence_p = upper_t_probability(ratio_of(room, pooled.error), pooled.freedom);
  return pooled;
}

std::vector<Pooled> pool_runs(const std::vector<FinishedRun>& runs, const CompareRequest& request) {
  check_pairs(runs);
  std::vector<CorpusDifferences> corpora;
  for (std::size_t i = 0; i < runs.size(); i += 2) {
    corpora.push_back(differences_of(runs[i], runs[i + 1], request));
  }
  std::vector<Pooled> results;
  for (const auto& [condition, first] : corpora.front().by_condition) {
    std::vector<std::pair<std::string, Resampled>> differences;
    for (const auto& corpus : corpora) {
      for (auto [name, difference] : corpus.by_condition) {
        if (name != condition) continue;
        difference.metric = first.metric;  // each corpus by its own headline
        differences.emplace_back(
            corpus.metric == first.metric ? corpus.name
                                          : fmt::format("{} ({})", corpus.name, corpus.metric),
            difference);
      }
    }
    if (differences.size() != corpora.size()) continue;
    results.push_back(pool(differences, request.bootstrap.level, request.bootstrap.margin));
    results.back().condition = condition;
    results.back().first_name = runs[0].results.method;
    results.back().second_name = runs[1].results.method;
  }
  return results;
}

std::string verdict(const Pooled& pooled, double level, double margin) {
  if (std::isnan(pooled.p)) return "not computable because " + pooled.interval.missing;
  const bool is_first = pooled.estimate >= 0;
  const double low = is_first ? pooled.interval.low : -pooled.interval.high;
  const double high = is_first ? pooled.interval.high : -pooled.interval.low;
  std::string text = fmt::format(
      "{} is better than {} by {:.2f} points [{:.2f}, {:.2f}] over {} corpora, p {}: {}",
      is_first ? pooled.first_name : pooled.second_name,
      is_first ? pooled.second_name : pooled.first_name, 100 * std::abs(pooled.estimate), 100 * low,
      100 * high, pooled.parts.size(),
      pooled.p < 0.001 ? "< 0.001" : fmt::format("= {:.3f}", pooled.p),
      pooled.p <= 1 - level ? "beyond chance" : "not beyond chance");
  if (pooled.equivalence_p <= 1 - level) {
    text += fmt::format("; level within {:g} point{} (p = {:.3f})", 100 * margin,
                        margin == 0.01 ? "" : "s", pooled.equivalence_p);
  }
  return text;
}

}  // namespace hardy
