#include "hardy/coverage.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string_view>

#include <fmt/format.h>

#include "base/wording.h"
#include "hardy/errors.h"
#include "inference/coverage_arrays.h"

namespace hardy {
namespace {

constexpr double kEverything = std::numeric_limits<double>::infinity();
/// Training and prediction agree to 1e-5, so a set takes scores that are larger by that much, or by
/// that share of a value.
constexpr double kRounding = 1e-5;
/// Shares of dialogues are sums of fractions.
constexpr double kShareRounding = 1e-9;
constexpr std::string_view kPrefix = "coverage.";

std::string array_name(Pattern pattern, const char* what) {
  return fmt::format("{}{}.{}", kPrefix, pattern.bits(), what);
}

/// The most that K dialogues can promise, rounded down to be true.
std::string most_coverage(std::int64_t dialogues) {
  const auto most = static_cast<double>(dialogues) / static_cast<double>(dialogues + 1);
  return fmt::format("{:.3f}", std::floor(most * 1000) / 1000);
}

void check_scores(const CoverageScores& one, const BundleInfo& info) {
  const double highest = info.is_classification() ? 1 : std::numeric_limits<float>::max();
  bool fits = !one.scores.empty() && one.scores.size() == one.sizes.size() &&
              std::is_sorted(one.scores.begin(), one.scores.end());
  for (const float score : one.scores) {
    fits = fits && std::isfinite(score) && score >= 0 && static_cast<double>(score) <= highest;
  }
  std::map<std::int64_t, std::int64_t> utterances;  // by size of their dialogue
  for (const auto size : one.sizes) ++utterances[size];
  for (const auto& [size, count] : utterances) fits = fits && size >= 1 && count % size == 0;
  if (fits) return;
  throw ArtifactError(fmt::format("array '{}' or '{}' is damaged",
                                  array_name(one.pattern, "scores"),
                                  array_name(one.pattern, "sizes")));
}

}  // namespace

std::int64_t dialogues_of(const CoverageScores& scores) {
  double shares = 0;
  for (const auto size : scores.sizes) shares += 1 / static_cast<double>(size);
  return std::llround(shares);
}

std::int64_t fewest_dialogues(double coverage) {
  return static_cast<std::int64_t>(std::ceil(coverage / (1 - coverage) - kShareRounding));
}

double largest_score(const CoverageScores& scores, double coverage) {
  const auto dialogues = dialogues_of(scores);
  const double needed = coverage * static_cast<double>(dialogues + 1) - kShareRounding;
  double shares = 0;
  for (std::size_t i = 0; i < scores.scores.size(); ++i) {
    shares += 1 / static_cast<double>(scores.sizes[i]);
    if (shares >= needed) return static_cast<double>(scores.scores[i]);
  }
  return kEverything;
}

PredictionSets::PredictionSets(const BundleInfo& info, double coverage) : coverage_(coverage) {
  if (!(coverage > 0 && coverage < 1)) {
    throw ConfigError(fmt::format("coverage {}: it must lie between 0 and 1, e.g. 0.9", coverage));
  }
  if (!info.target_names.empty()) {
    throw ConfigError(fmt::format(
        "coverage: sets are made of classes or of one value; this model predicts several {}",
        info.label_kind));
  }
  if (info.coverage.empty()) {
    throw ArtifactError(
        "coverage: the model has no scores of validation utterances, of which sets are made",
        "train it again with this version, with a validation part");
  }
  const auto patterns = std::size_t{1} << info.modalities.size();
  thresholds_.assign(patterns, kEverything);
  dialogues_.assign(patterns, 0);
  std::int64_t most = 0;
  for (const auto& scores : info.coverage) {
    const auto bits = scores.pattern.bits();
    const double largest = largest_score(scores, coverage);
    thresholds_[bits] = largest + kRounding * std::max(1.0, largest);
    dialogues_[bits] = dialogues_of(scores);
    most = std::max(most, dialogues_[bits]);
    const auto utterances = static_cast<std::int64_t>(scores.scores.size());
    is_of_dialogues_ = is_of_dialogues_ || utterances >= 2 * dialogues_[bits];
  }
  if (most < fewest_dialogues(coverage)) {
    throw ConfigError(fmt::format(
        "coverage {}: it takes {}, the model has {}; they promise {} at most", coverage,
        counted(fewest_dialogues(coverage), "validation dialogue"), most, most_coverage(most)));
  }
}

std::string PredictionSets::refusal(Pattern used) const {
  if (std::isfinite(threshold(used))) return "";
  const auto dialogues = dialogues_[used.bits()];
  if (dialogues == 0) return "no validation utterances with these modalities";
  return fmt::format("{} with these modalities; {} takes {}",
                     counted(dialogues, "validation dialogue"), coverage_,
                     fewest_dialogues(coverage_));
}

std::vector<std::int64_t> PredictionSets::classes(const Predictions& predictions,
                                                  std::int64_t i) const {
  const auto width = static_cast<std::size_t>(predictions.outputs);
  const auto row =
      predictions.raw_probabilities.subspan(static_cast<std::size_t>(i) * width, width);
  const double largest = threshold(predictions.used[static_cast<std::size_t>(i)]);
  const auto label = predictions.labels[static_cast<std::size_t>(i)];
  std::vector<std::int64_t> set(width);
  std::iota(set.begin(), set.end(), 0);
  std::erase_if(set, [&](std::int64_t c) {
    return c != label && 1 - static_cast<double>(row[static_cast<std::size_t>(c)]) > largest;
  });
  std::stable_sort(set.begin(), set.end(), [&](std::int64_t x, std::int64_t y) {
    return row[static_cast<std::size_t>(x)] > row[static_cast<std::size_t>(y)];
  });
  return set;
}

std::pair<double, double> PredictionSets::interval(const Predictions& predictions,
                                                   std::int64_t i) const {
  const auto value = static_cast<double>(predictions.row(i)[0]);
  const double largest = threshold(predictions.used[static_cast<std::size_t>(i)]);
  return {value - largest, value + largest};
}

void add_coverage(TensorFile& file, const BundleInfo& info) {
  for (const auto& one : info.coverage) {
    const auto count = static_cast<std::int64_t>(one.scores.size());
    file.add(array_name(one.pattern, "scores"), {count}, one.scores);
    file.add(array_name(one.pattern, "sizes"), {count}, one.sizes);
  }
}

void read_coverage(const TensorFileView& file, BundleInfo& info) {
  const auto complete = Pattern::complete(static_cast<int>(info.modalities.size()));
  for (auto place = file.arrays.lower_bound(std::string(kPrefix));
       place != file.arrays.end() && place->first.starts_with(kPrefix); ++place) {
    const std::string& name = place->first;
    std::uint32_t bits = 0;
    const char* const end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + kPrefix.size(), end, bits);
    const std::string_view rest(read.ptr, static_cast<std::size_t>(end - read.ptr));
    const Pattern pattern(bits);
    const bool is_known = read.ec == std::errc() && !pattern.empty() &&
                          (pattern & complete) == pattern &&
                          (rest == ".scores" || rest == ".sizes");
    if (!is_known) throw ArtifactError(fmt::format("array '{}' is unknown", name));
    const auto scores = file.floats(array_name(pattern, "scores"));
    const auto sizes = file.integers(array_name(pattern, "sizes"));
    if (rest != ".scores") continue;
    info.coverage.push_back(
        {pattern, {scores.begin(), scores.end()}, {sizes.begin(), sizes.end()}});
    check_scores(info.coverage.back(), info);
  }
}

}  // namespace hardy
