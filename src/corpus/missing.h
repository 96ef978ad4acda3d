/// @file
/// Protocols of missing data: which modalities of which utterances are removed, by name and rate.
/// docs/missing_data.md defines them. Masks are drawn once per corpus, protocol and seed, so that
/// every method, fold and training seed is tested under the same ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/modality.h"

namespace hardy {

/// One set of masks to draw.
struct MaskSpec {
  std::string label;          ///< as a condition: "rate=0.3", "acoustic=0.5+visual=0.2"
  std::string protocol;       ///< "rate" | "gcnet" | "independent" | "imder" | "block" | "modality"
  double rate = 0;            ///< in [0, 1)
  std::vector<double> rates;  ///< [M] of protocol "modality", each in [0, 1]; else empty
};

/// Where masks apply.
enum class MissingAt {
  kTest,      ///< models are trained on the data as they are
  kTraining,  ///< a model per masks, trained on masked data and tested on the data as they are
  kBoth       ///< a model per masks, trained and tested on masked data
};

/// "test", "training", "both".
const char* missing_at_name(MissingAt at);

/// The parsed setting `protocol.conditions`.
struct ConditionPlan {
  std::vector<Pattern> patterns;    ///< in the order of all_patterns, each once
  std::vector<MaskSpec> masks;      ///< as conditions, by comes_before, each once
  std::uint64_t mask_seed = 1;      ///< seed of all masks; independent of training seeds
  MissingAt at = MissingAt::kTest;  ///< parts that masks apply to

  /// The patterns, then the masks, of a corpus with `modalities` modalities.
  [[nodiscard]] std::vector<Condition> conditions(int modalities) const;
};

/// Reads items separated by semicolons: "table", "all", "complete", a pattern ("a,t"), masks
/// ("rate=0,.1,...,.7", "block=.3", "acoustic=.5+visual=.2"), "at=test|training|both" and
/// "mask_seed=N". Throws ConfigError naming the item and the allowed values.
ConditionPlan parse_condition_plan(const std::string& text,
                                   const std::vector<std::string>& modality_names);

/// The remaining modalities of each utterance: a subset of those it has, never empty unless it has
/// none. Protocols with exact counts keep them within each official part and group. Shapes: -> [N].
/// Throws ConfigError when the protocol does not fit the number of modalities.
std::vector<Pattern> draw_masks(const Corpus& corpus, const MaskSpec& spec, std::uint64_t seed);

/// Share of the (utterance, modality) pairs of the data that masks remove, over the given
/// utterances; NaN for none. Shapes: masks [N].
double removed_share(const Corpus& corpus, const std::vector<Pattern>& masks,
                     const std::vector<std::int64_t>& utterances);

/// The corpus without the masked modalities, with its own checksum. Shapes: masks [N].
Corpus masked_corpus(const Corpus& corpus, const std::vector<Pattern>& masks);

}  // namespace hardy
