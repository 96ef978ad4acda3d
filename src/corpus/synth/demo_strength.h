// Gain of a modality's evidence for a requested unimodal accuracy. Internal to demo_corpus.
#pragma once

#include <cstdint>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// Plan of one utterance before features are drawn.
struct UtterancePlan {
  double intensity = 1;   ///< I in [0,1]: intensity of the evidence
  int odd_modality = -1;  ///< carries the evidence of `odd_label` instead; -1 = none
  float odd_label = 0;
};

/// The space of the evidence: one axis per class, or one axis for a value.
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

/// One modality as input of the solver.
struct StrengthTask {
  int modality = 0;
  double strength = 0.7;           ///< requested accuracy
  std::vector<double> axis_gains;  ///< [E] relative strength of each axis
  std::vector<double> noise;       ///< [N,E] noise of a classifier's input
};

/// The gain g with which a linear classifier of g * axis_gain * I * mu(label) + noise reaches
/// `strength` on the corpus's utterances, by bisection; otherwise the end of [0, 30] that comes
/// closest. Pure; cost O(N C^2).
double solve_gain(const Corpus& corpus, const std::vector<UtterancePlan>& plans,
                  const StrengthTask& task);

}  // namespace hardy
