/// @file
/// Explanations of a prediction: contribution of each modality, similar training utterances with
/// their hardness, attention over the dialogue.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hardy/recogniser.h"
#include "hardy/training_section.h"

namespace hardy {

/// The prediction of the explained utterance with some of its modalities, the rest of its dialogue
/// unchanged.
struct PatternOutcome {
  Pattern pattern;                 ///< modalities of the explained utterance that were used
  std::vector<float> outputs;      ///< [C] calibrated probabilities, or the value
  std::vector<float> raw_outputs;  ///< [C] probabilities before calibration, or the value
  std::int64_t label = 0;          ///< index of the most probable class; 0 for a value
  float confidence = 0;            ///< as Predictions::confidence
  bool is_calibrated = false;      ///< a calibration of this pattern was fitted
};

/// A similar training utterance.
struct SimilarUtterance {
  std::string id;          ///< Utterance::id in the training corpus
  std::string dialogue;    ///< Dialogue::id in the training corpus
  std::string transcript;  ///< empty when unknown
  float label = 0;         ///< class index or value
  double distance = 0;     ///< mean Euclidean distance over shared modalities, scaled units
  std::optional<HardnessParts> hardness;  ///< under the modalities used here, where measured
};

/// Attention of the utterance to each turn in one modality: mean over units and heads.
struct ModalityAttention {
  int modality = 0;                 ///< index into BundleInfo::modalities
  std::vector<std::int64_t> turns;  ///< turns of the dialogue that have it
  std::vector<float> weights;       ///< [turns], sums to 1
};

/// The explanation of one prediction.
struct Explanation {
  std::int64_t utterance = 0;            ///< index in the dialogue
  Pattern used;                          ///< modalities that the prediction used
  PatternOutcome outcome;                ///< the prediction itself, under `used`
  std::vector<PatternOutcome> patterns;  ///< every non-empty subset of `used`, as all_patterns
  /// [M] Shapley value of each modality for the probability of the predicted class (calibrated, as
  /// in `patterns`) or for the value: its mean marginal contribution over all orders of adding
  /// modalities, exact; 0 for absent ones.
  /// They sum to the prediction minus the baseline. Empty beyond kMostExact modalities.
  std::vector<double> contributions;
  double baseline = 0;  ///< the same output when nothing of the utterance is available
  /// Nearest first, without the utterance itself; empty without a training section.
  std::vector<SimilarUtterance> similar;
  /// Of the utterance itself when it is a training utterance (distance 0), else the mean over
  /// `similar`, weighted by 1 / distance: an estimate that measures no network on it.
  std::optional<HardnessParts> hardness;
  bool is_training_utterance = false;        ///< found in the training section at distance 0
  std::vector<ModalityAttention> attention;  ///< empty for other methods than HARDY-MER
};

/// Explanations from one model. Immutable; safe from several threads with a Workspace each.
class Explainer {
 public:
  /// Shapley values are exact up to this many available modalities: 2^6 fusions.
  static constexpr int kMostExact = 6;

  /// Throws ArtifactError when the bundle's training section is damaged.
  explicit Explainer(Recogniser recogniser);
  ~Explainer();
  Explainer(Explainer&&) noexcept;             ///< Leaves the source unusable.
  Explainer& operator=(Explainer&&) noexcept;  ///< Leaves the source unusable.

  /// Whether explanations contain similar utterances and hardness.
  [[nodiscard]] bool has_training_section() const { return training_ != nullptr; }

  /// The training section; null when the bundle has none. Lives as long as this object.
  [[nodiscard]] const TrainingSection* training() const { return training_.get(); }

  /// The model that is explained.
  [[nodiscard]] const Recogniser& recogniser() const { return recogniser_; }

  /// Explains one utterance of a dialogue. Shapes: dialogue as in Recogniser::predict; `utterance`
  /// in [0, dialogue.size()); `k` similar utterances (paper Eq. 17). Throws ShapeError when the
  /// utterance is not in the dialogue, DataError when it has no modality or a value is not finite.
  [[nodiscard]] Explanation explain(std::span<const UtteranceView> dialogue, std::int64_t utterance,
                                    Workspace& workspace, std::size_t k = 5) const;

 private:
  /// Requires: the prediction's encodings are still in the workspace.
  void add_patterns(std::span<const UtteranceView> dialogue, Workspace& workspace,
                    Explanation& explanation) const;
  void add_similar(const UtteranceView& utterance, std::size_t k, Explanation& explanation) const;

  Recogniser recogniser_;
  std::unique_ptr<const TrainingSection> training_;
};

}  // namespace hardy
