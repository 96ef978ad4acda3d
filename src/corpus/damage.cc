#include "corpus/damage.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/random.h"
#include "base/wording.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::array kDamages = {Damage::kNoise,   Damage::kClipping, Damage::kFrozen,
                                 Damage::kSwapped, Damage::kShifted,  Damage::kSpeaker,
                                 Damage::kScale};
constexpr std::array<const char*, kDamages.size()> kNames = {
    "noise", "clipping", "frozen", "swapped", "shifted", "speaker", "scale"};
/// Delay of features at severity 1, in utterances.
constexpr double kLongestDelay = 4;

std::size_t place_of(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Applies one request.
class Damager {
 public:
  Damager(const Corpus& corpus, const std::vector<std::int64_t>& dialogues,
          const DamageRequest& request)
      : corpus_(corpus),
        request_(request),
        source_(corpus.modalities[request.modality]),
        width_(place_of(source_.width)) {
    turns_of_.assign(corpus.dialogues.size(), nullptr);
    turns_.reserve(dialogues.size());  // turns_of_ points into it
    for (const auto d : dialogues) {
      const auto& dialogue = corpus.dialogues[place_of(d)];
      auto& rows = turns_.emplace_back();
      for (auto u = dialogue.first; u < dialogue.first + dialogue.count; ++u) {
        if (source_.present[place_of(u)] == 0) continue;
        rows.push_back(u);
        all_.push_back(u);
      }
      turns_of_[place_of(d)] = &rows;
    }
    const float* first = source_.features.data();
    result_.features.assign(first, first + corpus.utterances.size() * width_);
    result_.touched.assign(corpus.utterances.size(), 0);
  }

  DamagedModality apply() {
    switch (request_.damage) {
      case Damage::kNoise:
        add_noise();
        break;
      case Damage::kClipping:
        clip();
        break;
      case Damage::kFrozen:
        freeze();
        break;
      case Damage::kSwapped:
        swap();
        break;
      case Damage::kShifted:
        shift();
        break;
      case Damage::kSpeaker:
        exchange_speakers();
        break;
      case Damage::kScale:
        scale();
        break;
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] Generator stream(std::int64_t index) const {
    return Seeds(request_.seed)
        .stream(fmt::format("stress.{}", damage_name(request_.damage)),
                {static_cast<std::int64_t>(request_.modality), index});
  }

  [[nodiscard]] double standardised(std::int64_t u, std::size_t j) const {
    return (static_cast<double>(source_.row(u)[j]) - static_cast<double>(request_.mean[j])) /
           static_cast<double>(request_.deviation[j]);
  }

  /// Replaces every value of an utterance by `value_of(column)`, in standardised units.
  template <typename Function>
  void rewrite(std::int64_t u, const Function& value_of) {
    result_.touched[place_of(u)] = 1;
    for (std::size_t j = 0; j < width_; ++j) {
      result_.features[place_of(u) * width_ + j] =
          static_cast<float>(static_cast<double>(request_.mean[j]) +
                             static_cast<double>(request_.deviation[j]) * value_of(j));
    }
  }

  /// Gives an utterance the features of another one.
  void copy(std::int64_t from, std::int64_t to) {
    if (from == to) return;
    result_.touched[place_of(to)] = 1;
    const auto values = source_.row(from);
    std::copy(values.begin(), values.end(),
              result_.features.begin() + static_cast<std::ptrdiff_t>(place_of(to) * width_));
  }

  void add_noise() {
    const double kept = std::sqrt(1 - request_.severity);
    const double added = std::sqrt(request_.severity);
    for (const auto u : all_) {
      auto generator = stream(u);
      rewrite(u, [&](std::size_t j) {
        return kept * standardised(u, j) + added * draw_normal(generator);
      });
    }
  }

  void clip() {
    std::vector<double> sizes;
    sizes.reserve(all_.size() * width_);
    for (const auto u : all_) {
      for (std::size_t j = 0; j < width_; ++j) sizes.push_back(std::abs(standardised(u, j)));
    }
    const auto kept = static_cast<std::size_t>(
        std::floor((1 - request_.severity) * static_cast<double>(sizes.size())));
    double limit = 0;
    if (kept > 0) {
      const auto last = sizes.begin() + static_cast<std::ptrdiff_t>(kept - 1);
      std::nth_element(sizes.begin(), last, sizes.end());
      limit = *last;
    }
    for (const auto u : all_) {
      rewrite(u, [&](std::size_t j) { return std::clamp(standardised(u, j), -limit, limit); });
    }
  }

  void freeze() {
    for (const auto& rows : turns_) {
      const auto count = static_cast<std::int64_t>(rows.size());
      if (count < 2) continue;
      const auto stuck = static_cast<std::int64_t>(
          std::lround(request_.severity * static_cast<double>(count - 1)));
      auto generator = stream(rows.front());
      // One draw for every severity: a longer run begins no later.
      const double place = draw_unit(generator);
      const auto first =
          static_cast<std::int64_t>(std::floor(place * static_cast<double>(count - stuck)));
      for (std::int64_t i = 1; i <= stuck; ++i) {
        copy(rows[place_of(first)], rows[place_of(first + i)]);
      }
    }
  }

  /// The first share of all utterances in a drawn order.
  [[nodiscard]] std::vector<std::int64_t> draw_share() const {
    auto generator = stream(-1);
    const auto order = draw_permutation(generator, static_cast<std::int64_t>(all_.size()));
    const auto count =
        static_cast<std::size_t>(std::ceil(request_.severity * static_cast<double>(all_.size())));
    std::vector<std::int64_t> chosen;
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(all_[place_of(order[i])]);
    return chosen;
  }

  void swap() {
    const auto chosen = draw_share();
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      copy(chosen[(i + 1) % chosen.size()], chosen[i]);
    }
  }

  void shift() {
    const auto delay = static_cast<std::int64_t>(std::ceil(kLongestDelay * request_.severity));
    for (const auto& rows : turns_) {
      for (std::int64_t i = 0; i < static_cast<std::int64_t>(rows.size()); ++i) {
        copy(rows[place_of(std::max<std::int64_t>(i - delay, 0))], rows[place_of(i)]);
      }
    }
  }

  [[nodiscard]] bool is_other_speaker(std::int64_t u, std::int64_t other) const {
    const auto& own = corpus_.utterances[place_of(u)].speaker;
    const auto& theirs = corpus_.utterances[place_of(other)].speaker;
    return !own.empty() && !theirs.empty() && own != theirs;
  }

  /// The nearest utterance of another speaker in the dialogue, the earlier of two; else a drawn one
  /// of the other dialogues; -1 if there is none.
  [[nodiscard]] std::int64_t donor_of(std::int64_t u) const {
    std::int64_t best = -1;
    for (const auto other : *turns_of_[place_of(corpus_.utterances[place_of(u)].dialogue)]) {
      const bool is_nearer = best < 0 || std::abs(other - u) < std::abs(best - u);
      if (is_nearer && is_other_speaker(u, other)) best = other;
    }
    if (best >= 0) return best;
    auto generator = stream(u);
    const auto count = static_cast<std::int64_t>(all_.size());
    const auto start = draw_index(generator, count);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto other = all_[place_of((start + i) % count)];
      if (is_other_speaker(u, other)) return other;
    }
    return -1;
  }

  void exchange_speakers() {
    for (const auto u : draw_share()) {
      const auto donor = donor_of(u);
      if (donor >= 0) copy(donor, u);
    }
  }

  void scale() {
    const double factor = std::pow(10.0, request_.severity);
    for (const auto u : all_) {
      result_.touched[place_of(u)] = 1;
      for (std::size_t j = 0; j < width_; ++j) {
        float& value = result_.features[place_of(u) * width_ + j];
        value = std::clamp(static_cast<float>(factor * static_cast<double>(value)),
                           -kLargestFeature, kLargestFeature);
      }
    }
  }

  const Corpus& corpus_;
  const DamageRequest& request_;
  const ModalityData& source_;
  std::size_t width_;
  std::vector<std::int64_t> all_;                           ///< utterances that have the modality
  std::vector<std::vector<std::int64_t>> turns_;            ///< the same by dialogue
  std::vector<const std::vector<std::int64_t>*> turns_of_;  ///< [dialogues of the corpus] or null
  DamagedModality result_;
};

}  // namespace

const char* damage_name(Damage damage) { return kNames[static_cast<std::size_t>(damage)]; }

std::span<const Damage> all_damages() { return kDamages; }

Damage damage_named(const std::string& name) {
  for (const auto damage : kDamages) {
    if (name == damage_name(damage)) return damage;
  }
  const auto near = nearest_name(name, {kNames.begin(), kNames.end()});
  throw ConfigError(fmt::format("unknown damage '{}'{}; known are {}", name,
                                near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near),
                                fmt::join(kNames, ", ")));
}

DamagedModality damage_modality(const Corpus& corpus, const std::vector<std::int64_t>& dialogues,
                                const DamageRequest& request) {
  return Damager(corpus, dialogues, request).apply();
}

}  // namespace hardy
