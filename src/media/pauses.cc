#include "media/pauses.h"

#include <algorithm>
#include <cmath>

namespace hardy {
namespace {

constexpr std::size_t kFrame = 160;
constexpr double kFrameS = 0.01;
constexpr std::size_t kPauseFrames = 50;
constexpr std::size_t kLeastFrames = 30;
constexpr std::size_t kPadFrames = 10;
constexpr std::size_t kMostFrames = 1500;
constexpr std::size_t kEarliestCut = 500;
constexpr float kSilence = -100;

struct Stretch {
  std::size_t first = 0;  // frames
  std::size_t end = 0;
};

float percentile(std::vector<float> values, double share) {
  const auto place = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

float threshold_of(const std::vector<float>& levels) {
  const float low = percentile(levels, 0.10);
  const float high = percentile(levels, 0.95);
  return low + std::max(6.0F, 0.3F * (high - low));
}

}  // namespace

void PauseCutter::add(double start_s, std::span<const std::int16_t> samples) {
  if (levels_.empty() && filled_ == 0) first_s_ = start_s;
  // A gap in the recording is silence.
  const double expected = first_s_ + static_cast<double>(levels_.size()) * kFrameS +
                          static_cast<double>(filled_) / 16000;
  constexpr double kMostGapS = 7 * 86400;
  if (start_s - expected > 2 * kFrameS && start_s - expected < kMostGapS) {
    levels_.resize(levels_.size() + static_cast<std::size_t>((start_s - expected) / kFrameS),
                   kSilence);
  }
  for (const std::int16_t sample : samples) {
    const double value = static_cast<double>(sample) / 32768;
    energy_ += value * value;
    if (++filled_ < kFrame) continue;
    const double mean = energy_ / static_cast<double>(kFrame);
    levels_.push_back(std::max(kSilence, static_cast<float>(10 * std::log10(mean + 1e-12))));
    energy_ = 0;
    filled_ = 0;
  }
}

std::vector<std::pair<double, double>> PauseCutter::cuts() const {
  std::vector<std::pair<double, double>> found;
  if (levels_.empty()) return found;
  const float threshold = threshold_of(levels_);
  std::vector<Stretch> stretches;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (levels_[i] < threshold) continue;
    if (!stretches.empty() && i - stretches.back().end < kPauseFrames) {
      stretches.back().end = i + 1;
    } else {
      stretches.push_back({i, i + 1});
    }
  }
  const auto keep = [&](std::size_t first, std::size_t end) {
    const std::size_t from = first - std::min(first, kPadFrames);
    const std::size_t to = std::min(end + kPadFrames, levels_.size());
    found.emplace_back(first_s_ + static_cast<double>(from) * kFrameS,
                       first_s_ + static_cast<double>(to) * kFrameS);
  };
  for (auto [first, end] : stretches) {
    while (end - first > kMostFrames) {
      const auto from = levels_.begin() + static_cast<std::ptrdiff_t>(first + kEarliestCut);
      const auto to = levels_.begin() + static_cast<std::ptrdiff_t>(first + kMostFrames);
      const auto quietest = static_cast<std::size_t>(std::min_element(from, to) - levels_.begin());
      keep(first, quietest);
      first = quietest;
    }
    if (end - first >= kLeastFrames) keep(first, end);
  }
  return found;
}

}  // namespace hardy
