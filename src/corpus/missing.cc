#include "corpus/missing.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/random.h"
#include "base/wording.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// Draws the masks of one protocol, stratum by stratum. A stratum is an official part of a group.
class MaskDrawer {
 public:
  MaskDrawer(const Corpus& corpus, const MaskSpec& spec, std::uint64_t seed)
      : corpus_(corpus), spec_(spec), seeds_(seed) {
    for (std::int64_t i = 0; i < corpus.size(); ++i) masks_.push_back(corpus.present_pattern(i));
    present_ = masks_;
  }

  std::vector<Pattern> draw() {
    std::map<std::pair<int, std::string>, std::vector<std::int64_t>> strata;
    for (std::size_t d = 0; d < corpus_.dialogues.size(); ++d) {
      const Dialogue& dialogue = corpus_.dialogues[d];
      strata[{static_cast<int>(dialogue.part), dialogue.group}].push_back(
          static_cast<std::int64_t>(d));
    }
    std::int64_t index = 0;
    for (const auto& [key, dialogues] : strata) {
      // The stream does not depend on the rate, so that a mask at .3 is contained in the one at .4.
      Generator generator = seeds_.stream("missing." + spec_.protocol, {index++});
      if (spec_.protocol == "block") {
        draw_blocks(dialogues, generator);
      } else {
        draw_utterances(utterances_in(dialogues), generator);
      }
    }
    return masks_;
  }

 private:
  [[nodiscard]] std::vector<std::size_t> utterances_in(
      const std::vector<std::int64_t>& dialogues) const {
    std::vector<std::size_t> utterances;
    for (const auto d : dialogues) {
      const Dialogue& dialogue = corpus_.dialogues[static_cast<std::size_t>(d)];
      for (std::int64_t i = dialogue.first; i < dialogue.first + dialogue.count; ++i) {
        if (!present_[static_cast<std::size_t>(i)].empty()) {
          utterances.push_back(static_cast<std::size_t>(i));
        }
      }
    }
    return utterances;
  }

  void draw_utterances(const std::vector<std::size_t>& utterances, Generator& generator) {
    if (spec_.protocol == "independent") {
      draw_independent(utterances, generator);
    } else if (spec_.protocol == "imder") {
      draw_shares(utterances, generator);
    } else if (spec_.protocol == "modality") {
      draw_modalities(utterances, generator);
    } else {
      draw_exact(utterances, generator);
    }
  }

  [[nodiscard]] int modalities() const { return corpus_.modality_count(); }

  void remove(std::size_t utterance, int modality) {
    masks_[utterance] = Pattern(masks_[utterance].bits() & ~(1U << modality));
  }

  /// One of the modalities of a pattern.
  static int draw_member(Pattern pattern, Generator& generator) {
    auto left = draw_index(generator, pattern.count());
    for (int m = 0;; ++m) {
      if (pattern.has(m) && left-- == 0) return m;
    }
  }

  /// Restores one modality of an utterance that lost all of them.
  void keep_one(std::size_t utterance, int modality) {
    if (masks_[utterance].empty()) masks_[utterance] = Pattern::only(modality);
  }

  /// Keeps one modality of each utterance and removes the requested share of all other pairs.
  void draw_exact(const std::vector<std::size_t>& utterances, Generator& generator) {
    std::vector<std::tuple<double, std::size_t, int>> pairs;  // removable pairs
    std::int64_t all = 0;
    for (const auto u : utterances) {
      const int kept = draw_member(present_[u], generator);
      all += present_[u].count();
      for (int m = 0; m < modalities(); ++m) {
        const double place = draw_unit(generator);
        if (m != kept && present_[u].has(m)) pairs.emplace_back(place, u, m);
      }
    }
    std::sort(pairs.begin(), pairs.end());
    const auto wanted =
        static_cast<std::size_t>(std::llround(spec_.rate * static_cast<double>(all)));
    for (std::size_t i = 0; i < std::min(wanted, pairs.size()); ++i) {
      remove(std::get<1>(pairs[i]), std::get<2>(pairs[i]));
    }
  }

  void draw_independent(const std::vector<std::size_t>& utterances, Generator& generator) {
    for (const auto u : utterances) {
      const int kept = draw_member(present_[u], generator);
      for (int m = 0; m < modalities(); ++m) {
        if (draw_unit(generator) < spec_.rate) remove(u, m);
      }
      keep_one(u, kept);
    }
  }

  /// Fixed shares of utterances lose two and one modality, drawn uniformly.
  void draw_shares(const std::vector<std::size_t>& utterances, Generator& generator) {
    constexpr std::array kTwo = {0.0, .1, .2, .3, .5, .7, .9, 1.0};
    constexpr std::array kOne = {0.0, .1, .2, .3, .2, .1, .0, .0};
    const auto row = static_cast<std::size_t>(std::llround(10 * spec_.rate));
    const auto n = static_cast<double>(utterances.size());
    const auto two = static_cast<std::size_t>(std::llround(kTwo[row] * n));
    const auto one = two + static_cast<std::size_t>(std::llround(kOne[row] * n));
    const auto order = draw_permutation(generator, static_cast<std::int64_t>(utterances.size()));
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto u = utterances[static_cast<std::size_t>(order[i])];
      int losses = i < two ? 2 : i < one ? 1 : 0;
      while (losses-- > 0 && masks_[u].count() > 1) remove(u, draw_member(masks_[u], generator));
    }
  }

  /// Every modality loses its own share of its utterances.
  void draw_modalities(const std::vector<std::size_t>& utterances, Generator& generator) {
    std::vector<int> kept;
    for (const auto u : utterances) kept.push_back(draw_member(present_[u], generator));
    for (int m = 0; m < modalities(); ++m) {
      std::vector<std::size_t> with;
      for (const auto u : utterances) {
        if (present_[u].has(m)) with.push_back(u);
      }
      const auto order = draw_permutation(generator, static_cast<std::int64_t>(with.size()));
      const double share = spec_.rates[static_cast<std::size_t>(m)];
      const auto wanted =
          static_cast<std::size_t>(std::llround(share * static_cast<double>(with.size())));
      for (std::size_t i = 0; i < wanted; ++i) remove(with[static_cast<std::size_t>(order[i])], m);
    }
    for (std::size_t i = 0; i < utterances.size(); ++i) keep_one(utterances[i], kept[i]);
  }

  /// In each dialogue each modality is missing once, for a run of utterances.
  void draw_blocks(const std::vector<std::int64_t>& dialogues, Generator& generator) {
    for (const auto d : dialogues) {
      const Dialogue& dialogue = corpus_.dialogues[static_cast<std::size_t>(d)];
      const auto turns = static_cast<double>(dialogue.count);
      for (int m = 0; m < modalities(); ++m) {
        // A length of 2.3 becomes 2 or 3 at random, so that the mean over dialogues is right.
        const double length = std::floor(spec_.rate * turns + draw_unit(generator));
        const double start = std::floor(draw_unit(generator) * (turns - length + 1));
        for (auto t = static_cast<std::int64_t>(start);
             t < static_cast<std::int64_t>(start + length); ++t) {
          remove(static_cast<std::size_t>(dialogue.first + t), m);
        }
      }
      for (std::int64_t i = dialogue.first; i < dialogue.first + dialogue.count; ++i) {
        const auto u = static_cast<std::size_t>(i);
        if (!present_[u].empty()) keep_one(u, draw_member(present_[u], generator));
      }
    }
  }

  const Corpus& corpus_;
  const MaskSpec& spec_;
  Seeds seeds_;
  std::vector<Pattern> present_;
  std::vector<Pattern> masks_;
};

}  // namespace

std::vector<Pattern> draw_masks(const Corpus& corpus, const MaskSpec& spec, std::uint64_t seed) {
  if (spec.protocol == "imder" && corpus.modality_count() != 3) {
    throw ConfigError(
        fmt::format("condition '{}': IMDer's shares are for three modalities and this corpus has "
                    "{}; use rate={}",
                    spec.label, corpus.modality_count(), spec.rate));
  }
  return MaskDrawer(corpus, spec, seed).draw();
}

double removed_share(const Corpus& corpus, const std::vector<Pattern>& masks,
                     const std::vector<std::int64_t>& utterances) {
  std::int64_t all = 0;
  std::int64_t left = 0;
  for (const auto i : utterances) {
    all += corpus.present_pattern(i).count();
    left += masks[static_cast<std::size_t>(i)].count();
  }
  if (all == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(all - left) / static_cast<double>(all);
}

Corpus masked_corpus(const Corpus& corpus, const std::vector<Pattern>& masks) {
  Corpus masked = corpus;
  for (std::size_t m = 0; m < masked.modalities.size(); ++m) {
    ModalityData& modality = masked.modalities[m];
    const auto width = static_cast<std::ptrdiff_t>(modality.width);
    for (std::size_t u = 0; u < masks.size(); ++u) {
      if (masks[u].has(static_cast<int>(m))) continue;
      modality.present[u] = 0;
      const auto first = modality.features.begin() + static_cast<std::ptrdiff_t>(u) * width;
      std::fill(first, first + width, 0.0F);
    }
  }
  masked.checksum = corpus_checksum(masked);
  return masked;
}

}  // namespace hardy
