#include "analysis/pooled.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "analysis/comparison.h"
#include "analysis/distributions.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "hardy/modality.h"
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

/// Differences of one corpus, and their metric.
struct CorpusDifferences {
  std::string name;
  std::string metric;
  std::vector<PairedNumber> numbers;  ///< `condition` is "average" or "complete"
};

CorpusDifferences differences_of(const FinishedRun& first, const FinishedRun& second,
                                 const CompareRequest& request, std::vector<std::string>& notices) {
  CorpusDifferences result;
  result.name = first.manifest.data_name;
  for (auto& number : paired_numbers(first, second, request, notices)) {
    result.metric = number.pair.first.metric;
    if (number.condition == first.predictions.complete()) number.condition = "complete";
    if (number.condition != kAverageLabel && number.condition != "complete") continue;
    result.numbers.push_back(std::move(number));
  }
  if (result.numbers.empty()) {
    throw ConfigError(fmt::format("{} and {} have neither an average nor complete input in common",
                                  first.name, second.name));
  }
  if (!is_share(result.metric) || !is_higher_better(result.metric)) {
    throw ConfigError(
        fmt::format("{}: only shares of which larger is better can be pooled over corpora, e.g. wa",
                    result.metric));
  }
  return result;
}

void check_pairs(const std::vector<FinishedRun>& runs) {
  if (runs.size() < 4 || runs.size() % 2 != 0) {
    throw ConfigError(fmt::format(
        "--pairs takes two runs for each of two or more corpora, and {} were given", runs.size()));
  }
  for (std::size_t i = 0; i < runs.size(); i += 2) {
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      const FinishedRun& run = runs[i + side];
      if (run.results.method == runs[side].results.method) continue;
      throw ConfigError(fmt::format(
          "{} is a run of {} and {} of {}: the first runs of all pairs must be of one method, and "
          "the second ones",
          runs[side].name, runs[side].results.method, run.name, run.results.method));
    }
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
                            p_value_of(difference), seed_spread_of(difference).freedom > 0});
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

PooledRuns pool_runs(const std::vector<FinishedRun>& runs, const CompareRequest& request) {
  check_pairs(runs);
  if (request.metrics.size() > 1) {
    throw ConfigError("--pairs pools one metric, and several were given");
  }
  PooledRuns pooled;
  std::vector<CorpusDifferences> corpora;
  for (std::size_t i = 0; i < runs.size(); i += 2) {
    corpora.push_back(differences_of(runs[i], runs[i + 1], request, pooled.notices));
  }
  for (const auto& first : corpora.front().numbers) {
    std::vector<std::pair<std::string, Resampled>> differences;
    for (const auto& corpus : corpora) {
      for (const auto& number : corpus.numbers) {
        const bool is_same = number.condition == first.condition &&
                             number.first_track == first.first_track &&
                             number.second_track == first.second_track;
        if (!is_same) continue;
        auto difference = difference_of(number.pair.first, number.pair.second);
        difference.metric = first.pair.first.metric;  // each corpus by its own headline
        differences.emplace_back(fmt::format("{} ({})", corpus.name, corpus.metric), difference);
      }
    }
    if (differences.size() != corpora.size()) {
      pooled.notices.push_back(fmt::format("{}, {}: not pooled, some pairs lack it",
                                           first.first_track, first.condition));
      continue;
    }
    auto result = pool(differences, request.bootstrap.level, request.bootstrap.margin);
    result.first_name = runs[0].results.method;
    result.second_name = runs[1].results.method;
    result.first_track = first.first_track;
    result.second_track = first.second_track;
    result.condition = first.condition;
    pooled.results.push_back(std::move(result));
  }
  if (pooled.results.empty()) {
    throw ConfigError("the pairs have no track and condition in common: --tracks");
  }
  return pooled;
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
