#include "corpus/synth/demo_strength.h"

#include <algorithm>
#include <cmath>

namespace hardy {
namespace {

constexpr int kBisections = 24;
constexpr double kLargestGain = 30;

/// Positions of the utterances on the evidence axes, as a function of the gain.
struct Sample {
  int axes = 0;
  std::vector<float> labels;         ///< [N]
  std::vector<double> signal;        ///< [N,E] evidence at gain 1
  const std::vector<double>& noise;  ///< [N,E]
  double variance = 1;               ///< of the noise, mean over axes

  [[nodiscard]] double at(std::size_t i, int axis, double gain) const {
    const std::size_t place = i * static_cast<std::size_t>(axes) + static_cast<std::size_t>(axis);
    return gain * signal[place] + noise[place];
  }
};

Sample make_sample(const Corpus& corpus, const std::vector<UtterancePlan>& plans,
                   const StrengthTask& task) {
  const EvidenceSpace space(corpus);
  Sample sample{space.axes(), {}, {}, task.noise};
  for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
    const float label = corpus.utterances[i].label;
    const bool is_odd = plans[i].odd_modality == task.modality;
    sample.labels.push_back(label);
    for (int axis = 0; axis < space.axes(); ++axis) {
      sample.signal.push_back(task.axis_gains[static_cast<std::size_t>(axis)] * plans[i].intensity *
                              space.mean(is_odd ? plans[i].odd_label : label, axis));
    }
  }
  double squares = 0;
  for (const double value : task.noise) squares += value * value;
  sample.variance = squares / static_cast<double>(task.noise.size());
  return sample;
}

/// Accuracy of linear discriminant analysis with the sample's class means and one noise variance.
double class_accuracy(const Sample& sample, int classes, double gain) {
  const auto axes = static_cast<std::size_t>(sample.axes);
  std::vector<double> means(static_cast<std::size_t>(classes) * axes);
  std::vector<double> counts(static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < sample.labels.size(); ++i) {
    const auto c = static_cast<std::size_t>(sample.labels[i]);
    ++counts[c];
    for (std::size_t a = 0; a < axes; ++a) {
      means[c * axes + a] += sample.at(i, static_cast<int>(a), gain);
    }
  }
  std::vector<double> bias(counts.size(), -1e300);  // a class without utterances is never predicted
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) continue;
    double square = 0;
    for (std::size_t a = 0; a < axes; ++a) {
      means[c * axes + a] /= counts[c];
      square += means[c * axes + a] * means[c * axes + a];
    }
    bias[c] = sample.variance * std::log(counts[c]) - square / 2;
  }
  std::int64_t hits = 0;
  for (std::size_t i = 0; i < sample.labels.size(); ++i) {
    std::vector<double> scores = bias;
    for (std::size_t c = 0; c < counts.size(); ++c) {
      for (std::size_t a = 0; a < axes; ++a) {
        scores[c] += means[c * axes + a] * sample.at(i, static_cast<int>(a), gain);
      }
    }
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    if (best == static_cast<std::ptrdiff_t>(sample.labels[i])) ++hits;
  }
  return static_cast<double>(hits) / static_cast<double>(sample.labels.size());
}

/// Accuracy of the sign of a least-squares prediction, on values other than 0.
double sign_accuracy(const Sample& sample, double gain) {
  const auto n = static_cast<double>(sample.labels.size());
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t i = 0; i < sample.labels.size(); ++i) {
    mean_x += sample.at(i, 0, gain) / n;
    mean_y += static_cast<double>(sample.labels[i]) / n;
  }
  double xx = 1e-12;
  double xy = 0;
  for (std::size_t i = 0; i < sample.labels.size(); ++i) {
    const double x = sample.at(i, 0, gain) - mean_x;
    xx += x * x;
    xy += x * (static_cast<double>(sample.labels[i]) - mean_y);
  }
  std::int64_t hits = 0;
  std::int64_t nonzero = 0;
  for (std::size_t i = 0; i < sample.labels.size(); ++i) {
    if (sample.labels[i] == 0) continue;
    const double predicted = mean_y + xy / xx * (sample.at(i, 0, gain) - mean_x);
    ++nonzero;
    if ((predicted > 0) == (sample.labels[i] > 0)) ++hits;
  }
  return nonzero == 0 ? 1.0 : static_cast<double>(hits) / static_cast<double>(nonzero);
}

}  // namespace

EvidenceSpace::EvidenceSpace(const Corpus& corpus)
    : is_class_(corpus.label_kind == LabelKind::kClass),
      axes_(is_class_ ? static_cast<int>(corpus.class_count()) : 1) {
  if (is_class_) return;
  double squares = 0;
  for (const auto& utterance : corpus.utterances) {
    squares += static_cast<double>(utterance.label) * static_cast<double>(utterance.label);
  }
  const double mean_square =
      squares / static_cast<double>(std::max<std::int64_t>(1, corpus.size()));
  if (mean_square > 0) scale_ = 1 / std::sqrt(mean_square);
}

double EvidenceSpace::mean(float label, int axis) const {
  if (!is_class_) return scale_ * static_cast<double>(label);
  return (static_cast<int>(label) == axis ? 1.0 : 0.0) - 1.0 / axes_;
}

double solve_gain(const Corpus& corpus, const std::vector<UtterancePlan>& plans,
                  const StrengthTask& task) {
  const Sample sample = make_sample(corpus, plans, task);
  const auto accuracy = [&](double gain) {
    return corpus.label_kind == LabelKind::kClass
               ? class_accuracy(sample, static_cast<int>(corpus.class_count()), gain)
               : sign_accuracy(sample, gain);
  };
  double low = 0;
  double high = kLargestGain;
  for (int step = 0; step < kBisections; ++step) {
    const double middle = (low + high) / 2;
    (accuracy(middle) < task.strength ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace hardy
