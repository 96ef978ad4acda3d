// How strong a modality's evidence must be for a wanted unimodal accuracy. Internal to demo_corpus.
#pragma once

#include <cstdint>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// What is planned for one utterance before any feature is drawn.
struct UtterancePlan {
  double intensity = 1;   ///< I in [0,1]: how much of the evidence there is
  int odd_modality = -1;  ///< carries the evidence of `odd_label` instead; -1 = none
  float odd_label = 0;
};

/// The space that evidence lives in: one axis per class, or one axis for a value.
class EvidenceSpace {
 public:
  explicit EvidenceSpace(const Corpus& corpus);

  /// E: number of axes.
  [[nodiscard]] int axes() const { return axes_; }

  /// mu(label) on `axis`: one-hot less its mean, or the value in units of its root mean square.
  [[nodiscard]] double mean(float label, int axis) const;

 private:
  bool is_class_;
  int axes_;
  double scale_ = 1;
};

/// One modality as the solver sees it.
struct StrengthTask {
  int modality = 0;
  double strength = 0.7;           ///< the wanted accuracy
  std::vector<double> axis_gains;  ///< [E] relative strength of each axis
  std::vector<double> noise;       ///< [N,E] everything but the evidence, as a classifier sees it
};

/// The gain g with which a linear classifier of g * axis_gain * I * mu(label) + noise reaches
/// `strength` on the corpus's own utterances, by bisection; the end of [0, 30] that comes closest
/// when none does. Pure; cost O(N C^2).
double solve_gain(const Corpus& corpus, const std::vector<UtterancePlan>& plans,
                  const StrengthTask& task);

}  // namespace hardy
