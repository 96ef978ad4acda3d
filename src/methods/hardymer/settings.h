// Settings of HARDY-MER, section [hardymer]. modality_dropout uses the same recogniser.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "hardy/config.h"

namespace hardy {

/// Feature tuning (paper 3.3.1).
struct TuningConfig {
  std::int64_t epochs = 15;
  std::int64_t batch = 64;  ///< utterances
  double learning_rate = 3e-4;
  double weight_decay = 1e-5;
  std::int64_t patience = 3;
};

/// Sign of indirect hardness: +1 as in Eq. 9-10, or -1 (weak agreement is hard, the paper's prose).
enum class IndirectSign { kPaper, kConsistency };
template <>
inline constexpr std::array<std::string_view, 2> kWords<IndirectSign> = {"paper", "consistency"};

/// Centre of the unified score: 0 as printed in Eq. 10, or (alpha1 + alpha2) / 2.
enum class ScoreCentre { kPaper, kMiddle };
template <>
inline constexpr std::array<std::string_view, 2> kWords<ScoreCentre> = {"paper", "middle"};

/// Terms of the unified score; none = every utterance is equally hard.
enum class HardnessTerms { kBoth, kDirect, kIndirect, kNone };
template <>
inline constexpr std::array<std::string_view, 4> kWords<HardnessTerms> = {"both", "direct",
                                                                          "indirect", "none"};

/// The hardness estimator (paper 3.2) and the unified score (Eq. 10).
struct HardnessConfig {
  EncoderConfig encoder;
  OptimiserConfig optimiser;
  std::int64_t complete_epochs = 10;  ///< stage 1
  std::int64_t pattern_epochs = 15;   ///< stage 2
  std::int64_t patience = 5;          ///< 0 = no early stop
  double mi_weight = 0.001;
  double reconstruction_weight = 1.0;
  double alpha1 = 0.6;
  double alpha2 = 0.4;
  double beta = 4.0;
  IndirectSign indirect_sign = IndirectSign::kPaper;
  ScoreCentre centre = ScoreCentre::kMiddle;
  HardnessTerms components = HardnessTerms::kBoth;
};

/// Features for a purpose: tuned (paper 3.3.1) or plain.
enum class FeatureKind { kPlain, kTuned };
template <>
inline constexpr std::array<std::string_view, 2> kWords<FeatureKind> = {"plain", "tuned"};

/// Use of supports in training.
enum class SupportUse {
  kMix,      ///< mixed into the utterance that they support
  kWeights,  ///< as more visits of the support
  kSlots,    ///< one pass per rank, in which supports replace the utterance
  kNone
};
template <>
inline constexpr std::array<std::string_view, 4> kWords<SupportUse> = {"mix", "weights", "slots",
                                                                       "none"};

/// Training label of a support: its own, or that of the utterance it supports.
enum class SupportLabel { kOwn, kQuery };
template <>
inline constexpr std::array<std::string_view, 2> kWords<SupportLabel> = {"own", "query"};

/// How neighbours are searched: all pairs, or inverted lists (methods/hardymer/list_search.h).
enum class RetrievalIndex { kExact, kLists };
template <>
inline constexpr std::array<std::string_view, 2> kWords<RetrievalIndex> = {"exact", "lists"};

/// Retrieval (paper 3.3.2) and curriculum (Eq. 18).
struct RetrievalConfig {
  std::int64_t k = 5;
  FeatureKind database = FeatureKind::kTuned;
  std::string metric = "auto";  ///< auto | l2 | cosine | "acoustic=l2,textual=cosine"
  RetrievalIndex index = RetrievalIndex::kExact;
  SupportUse supports = SupportUse::kMix;
  double mix_rate = 1.0;   ///< probability of mixing for an utterance with K supports
  double mix_share = 0.3;  ///< largest share of a support in a mixture
  SupportLabel support_label = SupportLabel::kOwn;
};

/// Unit that draws a pattern when the unified model trains.
enum class PatternUnit { kUtterance, kDialogue };
template <>
inline constexpr std::array<std::string_view, 2> kWords<PatternUnit> = {"utterance", "dialogue"};

/// The recogniser (paper 3.3.3).
struct RecogniserConfig {
  EncoderConfig encoder;
  OptimiserConfig optimiser;
  FeatureKind input = FeatureKind::kPlain;
  std::int64_t complete_epochs = 20;  ///< stage 1
  std::int64_t pattern_epochs = 40;   ///< stage 2
  std::int64_t patience = 8;          ///< 0 = no early stop
  double reconstruction_weight = 1.0;
  PatternUnit pattern_unit = PatternUnit::kUtterance;
};

struct HardyMerSettings : SettingsOf<HardyMerSettings> {
  TuningConfig tuning;
  HardnessConfig hardness;
  RetrievalConfig retrieval;
  RecogniserConfig recogniser;

  void describe(FieldTable& table) override;
  void apply_preset(const std::string& preset) override;
  void validate(const std::string& section) const override;

  /// Whether training uses supports.
  [[nodiscard]] bool retrieves() const { return retrieval.supports != SupportUse::kNone; }

  /// Whether hardness is estimated.
  [[nodiscard]] bool uses_hardness() const {
    return hardness.components != HardnessTerms::kNone && retrieves();
  }

  /// Whether any stage reads tuned features.
  [[nodiscard]] bool needs_tuning() const {
    return recogniser.input == FeatureKind::kTuned ||
           (retrieves() && retrieval.database == FeatureKind::kTuned);
  }

  /// Passes over the training part per epoch of the second stage.
  [[nodiscard]] double passes() const {
    return retrieval.supports == SupportUse::kSlots ? static_cast<double>(retrieval.k + 1) : 1.0;
  }
};

MethodDeclaration declare_hardymer();

/// The section [hardymer] of a config.
const HardyMerSettings& hardymer_settings(const Config& config);
HardyMerSettings& hardymer_settings(Config& config);

/// Settings that the training of the hardness estimator depends on, for cache keys. Those of the
/// score are excluded, so that a sweep over them trains nothing again.
std::string estimator_settings(Config config);

/// Settings of the recogniser's first stage, without those of feature tuning.
std::string complete_stage_settings(Config config);

}  // namespace hardy
