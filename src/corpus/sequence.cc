#include "corpus/sequence.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hardy/corpus.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

bool can_be_used(float value) { return std::abs(value) <= kLargestFeature; }

std::optional<UnusableValue> find_unusable_value(std::span<const float> frames,
                                                 std::int64_t width) {
  const auto bad =
      std::find_if(frames.begin(), frames.end(), [](float value) { return !can_be_used(value); });
  if (bad == frames.end()) return std::nullopt;
  const std::int64_t at = bad - frames.begin();
  return UnusableValue{at / width, at % width, *bad};
}

/// The frames without unusable values.
std::vector<float> usable_frames(std::span<const float> frames, std::size_t width) {
  std::vector<float> kept;
  for (std::size_t at = 0; at < frames.size(); at += width) {
    const auto frame = frames.subspan(at, width);
    if (std::all_of(frame.begin(), frame.end(), can_be_used)) {
      kept.insert(kept.end(), frame.begin(), frame.end());
    }
  }
  return kept;
}

/// Requires: at least one frame, all values usable.
void reduce_usable(std::span<const float> frames, std::size_t width, bool has_deviation,
                   float* out) {
  // Differences from the first frame: a large constant does not cost precision of the deviation.
  const float* first = frames.data();
  std::vector<double> sum(width, 0.0);
  std::vector<double> squares(has_deviation ? width : 0, 0.0);
  for (std::size_t at = 0; at < frames.size(); at += width) {
    const float* frame = frames.data() + at;
    for (std::size_t d = 0; d < width; ++d) {
      sum[d] += static_cast<double>(frame[d]) - static_cast<double>(first[d]);
    }
    for (std::size_t d = 0; d < squares.size(); ++d) {
      const double difference = static_cast<double>(frame[d]) - static_cast<double>(first[d]);
      squares[d] += difference * difference;
    }
  }
  const auto count = static_cast<double>(frames.size() / width);
  for (std::size_t d = 0; d < width; ++d) {
    out[d] = static_cast<float>(static_cast<double>(first[d]) + sum[d] / count);
  }
  for (std::size_t d = 0; d < squares.size(); ++d) {
    const double mean = sum[d] / count;
    out[width + d] = static_cast<float>(std::sqrt(std::max(0.0, squares[d] / count - mean * mean)));
  }
}

bool is_zero_frame(std::span<const float> frame) {
  return std::all_of(frame.begin(), frame.end(), [](float value) { return value == 0; });
}

}  // namespace

SequenceRules SequenceRules::from(const DataConfig& config) {
  SequenceRules rules;
  rules.has_deviation = config.reduce == "mean-std";
  rules.bad = bad_features_of(config.not_finite);
  return rules;
}

void require_mean(const DataConfig& config) {
  if (config.reduce == "mean") return;
  throw ConfigError(fmt::format(
      "data.reduce '{}' is not offered for {}: of features in single files the mean is taken; "
      "reduce them yourself and save vectors",
      config.reduce, config.path));
}

std::string SequenceRules::text() const {
  return has_deviation ? "sequences reduced to mean and standard deviation over frames"
                       : "sequences reduced to their mean over frames";
}

SequenceOutcome reduce_sequence(std::span<const float> frames, std::int64_t width,
                                const SequenceRules& rules, float* out) {
  SequenceOutcome outcome;
  const auto columns = static_cast<std::size_t>(width);
  if (frames.empty()) return outcome;
  outcome.bad = find_unusable_value(frames, width);
  std::vector<float> kept;
  if (outcome.bad) {
    if (rules.bad != BadFeatures::kSkipFrames) return outcome;
    kept = usable_frames(frames, columns);
    outcome.skipped = static_cast<std::int64_t>((frames.size() - kept.size()) / columns);
    frames = kept;
    if (frames.empty()) return outcome;
  }
  reduce_usable(frames, columns, rules.has_deviation, out);
  outcome.is_present = true;
  return outcome;
}

std::span<const float> strip_padding(std::span<const float> frames, std::int64_t width) {
  const auto columns = static_cast<std::size_t>(width);
  while (!frames.empty() && is_zero_frame(frames.first(columns))) frames = frames.subspan(columns);
  while (!frames.empty() && is_zero_frame(frames.last(columns))) {
    frames = frames.first(frames.size() - columns);
  }
  return frames;
}

}  // namespace hardy
