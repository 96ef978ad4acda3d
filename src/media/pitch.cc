#include "media/pitch.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "media/spectrum.h"

namespace hardy {
namespace {

constexpr std::size_t kShortestLag = 32;  // 500 Hz
constexpr std::size_t kLongestLag = 290;  // 55 Hz
constexpr std::size_t kCandidates = 6;
/// Weaker periodicity is unvoiced.
constexpr double kVoicedCorrelation = 0.45;
/// Costs of the path, in units of correlation: a change of voicing, an octave of change.
constexpr double kVoicingCost = 0.25;
constexpr double kOctaveCost = 0.6;
/// Prefers the shorter of two equally good lags, to avoid subharmonics.
constexpr double kLagCost = 0.12;
/// Root mean square below which a frame is silent for any periodicity.
constexpr double kSilentLevel = 5e-4;

struct Candidate {
  double lag = 0;          // samples; 0 = unvoiced
  double correlation = 0;  // at the lag
  double score = 0;
};

/// Correlations of the window at `first` with the one `lag` later, for every lag.
void correlate(std::span<const float> samples, std::size_t first, std::vector<double>& by_lag) {
  const std::size_t room = samples.size() - first;
  const auto window = std::min(kFrameSamples, room > kLongestLag ? room - kLongestLag : 0);
  by_lag.assign(kLongestLag + 1, 0);
  if (window < kShortestLag * 2) return;
  const float* x = samples.data() + first;
  double energy = 0;
  for (std::size_t i = 0; i < window; ++i) {
    energy += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  double shifted = energy;
  for (std::size_t lag = 1; lag <= kLongestLag; ++lag) {
    shifted += static_cast<double>(x[lag + window - 1]) * static_cast<double>(x[lag + window - 1]) -
               static_cast<double>(x[lag - 1]) * static_cast<double>(x[lag - 1]);
    if (lag + 1 < kShortestLag) continue;
    float product = 0;
    for (std::size_t i = 0; i < window; ++i) product += x[i] * x[i + lag];
    const double scale = std::sqrt(energy * std::max(shifted, 0.0)) + 1e-9;
    by_lag[lag] = static_cast<double>(product) / scale;
  }
}

std::vector<Candidate> candidates_of(const std::vector<double>& by_lag, bool is_silent) {
  std::vector<Candidate> found = {{0, 0, kVoicedCorrelation}};
  if (is_silent) return found;
  for (std::size_t lag = kShortestLag; lag < kLongestLag; ++lag) {
    const double here = by_lag[lag];
    if (here < 0.3 || here < by_lag[lag - 1] || here < by_lag[lag + 1]) continue;
    const double curve = by_lag[lag - 1] - 2 * here + by_lag[lag + 1];
    const double shift = curve < -1e-12 ? 0.5 * (by_lag[lag - 1] - by_lag[lag + 1]) / curve : 0;
    const double exact = static_cast<double>(lag) + std::clamp(shift, -0.5, 0.5);
    const double share = exact / static_cast<double>(kLongestLag);
    found.push_back({exact, std::min(here, 1.0), here - kLagCost * share});
  }
  std::sort(found.begin() + 1, found.end(),
            [](const Candidate& x, const Candidate& y) { return x.score > y.score; });
  if (found.size() > kCandidates) found.resize(kCandidates);
  return found;
}

double jump_cost(const Candidate& from, const Candidate& to) {
  if ((from.lag > 0) != (to.lag > 0)) return kVoicingCost;
  if (from.lag <= 0) return 0;
  return kOctaveCost * std::abs(std::log2(from.lag / to.lag));
}

double frame_level(std::span<const float> samples, std::size_t first) {
  double sum = 0;
  for (std::size_t i = first; i < first + kFrameSamples; ++i) {
    sum += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
  }
  return std::sqrt(sum / static_cast<double>(kFrameSamples));
}

/// A peak of the wave, one per cycle.
struct Mark {
  double place = 0;  // samples
  double height = 0;
};

/// The largest sample of the given sign in [first, last], with its position refined by a parabola.
Mark find_peak(std::span<const float> samples, std::size_t first, std::size_t last, double sign) {
  std::size_t best = first;
  for (std::size_t i = first; i <= last && i < samples.size(); ++i) {
    if (sign * static_cast<double>(samples[i]) > sign * static_cast<double>(samples[best])) {
      best = i;
    }
  }
  Mark mark{static_cast<double>(best), sign * static_cast<double>(samples[best])};
  if (best == 0 || best + 1 >= samples.size()) return mark;
  const double before = sign * static_cast<double>(samples[best - 1]);
  const double after = sign * static_cast<double>(samples[best + 1]);
  const double curve = before - 2 * mark.height + after;
  if (curve < -1e-12) mark.place += std::clamp(0.5 * (before - after) / curve, -0.5, 0.5);
  return mark;
}

/// Marks of one voiced stretch of frames [begin, end).
std::vector<Mark> mark_cycles(std::span<const float> samples, const PitchTrack& pitch,
                              std::size_t begin, std::size_t end) {
  const std::size_t last = std::min(samples.size() - 1, (end - 1) * kHopSamples + kFrameSamples);
  const auto period_at = [&](double place) {
    const double centred = std::max(0.0, place - static_cast<double>(kFrameSamples) / 2);
    const auto frame = static_cast<std::size_t>(centred / static_cast<double>(kHopSamples));
    return 16000.0 / static_cast<double>(pitch.hz[std::clamp(frame, begin, end - 1)]);
  };
  const std::size_t first = begin * kHopSamples + kFrameSamples / 4;
  const auto reach = static_cast<std::size_t>(period_at(static_cast<double>(first)));
  const Mark up = find_peak(samples, first, first + reach, 1);
  const Mark down = find_peak(samples, first, first + reach, -1);
  const double sign = up.height >= down.height ? 1 : -1;
  std::vector<Mark> marks = {sign > 0 ? up : down};
  while (true) {
    const double period = period_at(marks.back().place);
    const auto from = static_cast<std::size_t>(marks.back().place + 0.8 * period);
    const auto to = static_cast<std::size_t>(marks.back().place + 1.2 * period);
    if (to >= last) return marks;
    marks.push_back(find_peak(samples, from, to, sign));
  }
}

}  // namespace

PitchTrack track_pitch(std::span<const float> samples) {
  const std::size_t frames = frame_count(samples.size());
  std::vector<std::vector<Candidate>> columns(frames);
  std::vector<double> by_lag;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    correlate(samples, frame * kHopSamples, by_lag);
    columns[frame] =
        candidates_of(by_lag, frame_level(samples, frame * kHopSamples) < kSilentLevel);
  }
  std::vector<std::vector<std::size_t>> from(frames);
  std::vector<double> best;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    std::vector<double> score(columns[frame].size());
    from[frame].assign(columns[frame].size(), 0);
    for (std::size_t c = 0; c < score.size(); ++c) {
      double highest = frame == 0 ? 0 : -std::numeric_limits<double>::infinity();
      for (std::size_t p = 0; frame > 0 && p < best.size(); ++p) {
        const double value = best[p] - jump_cost(columns[frame - 1][p], columns[frame][c]);
        if (value <= highest) continue;
        highest = value;
        from[frame][c] = p;
      }
      score[c] = highest + columns[frame][c].score;
    }
    best = std::move(score);
  }
  PitchTrack track;
  track.hz.assign(frames, 0);
  track.correlation.assign(frames, 0);
  if (frames == 0) return track;
  auto chosen = static_cast<std::size_t>(std::max_element(best.begin(), best.end()) - best.begin());
  for (std::size_t frame = frames; frame-- > 0;) {
    const Candidate& candidate = columns[frame][chosen];
    if (candidate.lag > 0) {
      track.hz[frame] = static_cast<float>(16000.0 / candidate.lag);
      track.correlation[frame] = static_cast<float>(candidate.correlation);
    }
    chosen = from[frame][chosen];
  }
  return track;
}

CycleTrack track_cycles(std::span<const float> samples, const PitchTrack& pitch) {
  const std::size_t frames = pitch.hz.size();
  CycleTrack track;
  track.jitter.assign(frames, std::nanf(""));
  track.shimmer_db.assign(frames, std::nanf(""));
  for (std::size_t begin = 0; begin < frames; ++begin) {
    if (!pitch.is_voiced(begin)) continue;
    std::size_t end = begin;
    while (end < frames && pitch.is_voiced(end)) ++end;
    const auto marks = mark_cycles(samples, pitch, begin, end);
    std::size_t low = 0;
    for (std::size_t frame = begin; frame < end; ++frame) {
      // 50 ms around the frame's centre hold three cycles from 60 Hz on.
      const double centre = static_cast<double>(frame * kHopSamples + kFrameSamples / 2);
      while (low < marks.size() && marks[low].place < centre - 400) ++low;
      double periods = 0;
      double changes = 0;
      double ratios = 0;
      std::size_t count = 0;
      for (std::size_t i = low; i + 2 < marks.size() && marks[i + 2].place < centre + 400; ++i) {
        const double first = marks[i + 1].place - marks[i].place;
        const double second = marks[i + 2].place - marks[i + 1].place;
        periods += first;
        changes += std::abs(second - first);
        ratios += std::abs(
            20 * std::log10(std::max(marks[i + 1].height, 1e-5) / std::max(marks[i].height, 1e-5)));
        ++count;
      }
      if (count == 0) continue;
      track.jitter[frame] = static_cast<float>(changes / periods);
      track.shimmer_db[frame] = static_cast<float>(ratios / static_cast<double>(count));
    }
    begin = end;
  }
  return track;
}

}  // namespace hardy
