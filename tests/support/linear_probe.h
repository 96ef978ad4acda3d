// A small deterministic linear classifier (ridge regression onto one-hot labels or values, solved
// by conjugate gradients), which measures the information in features. Test code only.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "hardy/corpus.h"

namespace hardy::test {

/// Rows of the chosen modalities side by side, standardised by the training rows, a 1 appended.
class ProbeTable {
 public:
  ProbeTable(const Corpus& corpus, const std::vector<int>& modalities,
             const std::vector<std::size_t>& training)
      : rows_(static_cast<std::size_t>(corpus.size())) {
    for (const int m : modalities) {
      columns_ += static_cast<std::size_t>(corpus.modalities[static_cast<std::size_t>(m)].width);
    }
    ++columns_;
    values_.assign(rows_ * columns_, 1.0F);
    std::size_t first = 0;
    for (const int m : modalities) {
      const auto& modality = corpus.modalities[static_cast<std::size_t>(m)];
      const auto width = static_cast<std::size_t>(modality.width);
      for (std::size_t i = 0; i < rows_; ++i) {
        std::copy_n(modality.features.data() + i * width, width,
                    values_.data() + i * columns_ + first);
      }
      first += width;
    }
    standardise(training);
  }

  [[nodiscard]] std::size_t columns() const { return columns_; }

  [[nodiscard]] std::span<const float> row(std::size_t i) const {
    return {values_.data() + i * columns_, columns_};
  }

 private:
  void standardise(const std::vector<std::size_t>& training) {
    std::vector<double> sum(columns_);
    std::vector<double> squares(columns_);
    for (const auto i : training) {
      for (std::size_t c = 0; c < columns_; ++c) {
        const double x = values_[i * columns_ + c];
        sum[c] += x;
        squares[c] += x * x;
      }
    }
    const auto n = static_cast<double>(training.size());
    std::vector<float> mean(columns_);
    std::vector<float> scale(columns_);
    for (std::size_t c = 0; c < columns_; ++c) {
      mean[c] = static_cast<float>(sum[c] / n);
      scale[c] = static_cast<float>(1 / std::sqrt(squares[c] / n - sum[c] * sum[c] / n / n + 1e-9));
    }
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t c = 0; c + 1 < columns_; ++c) {
        values_[i * columns_ + c] = (values_[i * columns_ + c] - mean[c]) * scale[c];
      }
    }
  }

  std::size_t rows_;
  std::size_t columns_ = 0;
  std::vector<float> values_;  ///< [rows, columns]
};

inline float dot(std::span<const float> x, std::span<const float> y) {
  std::array<float, 8> sums{};
  std::size_t i = 0;
  for (; i + 8 <= x.size(); i += 8) {
    for (std::size_t j = 0; j < 8; ++j) sums[j] += x[i + j] * y[i + j];
  }
  for (; i < x.size(); ++i) sums[0] += x[i] * y[i];
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

/// Weights w that minimise |X w - y|^2 + ridge |w|^2 over the training rows.
inline std::vector<float> fit_ridge(const ProbeTable& table,
                                    const std::vector<std::size_t>& training,
                                    const std::vector<float>& target, float ridge) {
  std::vector<float> weights(table.columns());
  std::vector<float> residual(table.columns());
  for (const auto i : training) {
    const auto row = table.row(i);
    for (std::size_t c = 0; c < row.size(); ++c) residual[c] += target[i] * row[c];
  }
  auto direction = residual;
  float square = dot(residual, residual);
  const float goal = square * 1e-8F;
  for (int step = 0; step < 60 && square > goal; ++step) {
    std::vector<float> image(direction.size());
    for (const auto i : training) {
      const auto row = table.row(i);
      const float value = dot(row, direction);
      for (std::size_t c = 0; c < row.size(); ++c) image[c] += value * row[c];
    }
    for (std::size_t c = 0; c < image.size(); ++c) image[c] += ridge * direction[c];
    const float length = square / dot(direction, image);
    for (std::size_t c = 0; c < weights.size(); ++c) {
      weights[c] += length * direction[c];
      residual[c] -= length * image[c];
    }
    const float next = dot(residual, residual);
    for (std::size_t c = 0; c < direction.size(); ++c) {
      direction[c] = residual[c] + next / square * direction[c];
    }
    square = next;
  }
  return weights;
}

/// Predictions for the rows of `testing` after training on `training`: [testing, outputs], one-hot
/// regression for classes (C outputs), the value otherwise (1 output).
inline std::vector<float> probe(const Corpus& corpus, const std::vector<int>& modalities,
                                const std::vector<std::size_t>& training,
                                const std::vector<std::size_t>& testing) {
  const ProbeTable table(corpus, modalities, training);
  const bool is_class = corpus.label_kind == LabelKind::kClass;
  const std::size_t outputs = is_class ? corpus.class_names.size() : 1;
  // Strong enough for 1024 columns and 4000 rows, harmless for 50 columns and 1000 rows.
  const float ridge = static_cast<float>(training.size()) * 0.25F;
  std::vector<float> predicted(testing.size() * outputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    std::vector<float> target;
    for (const auto& utterance : corpus.utterances) {
      target.push_back(!is_class                                  ? utterance.label
                       : utterance.label == static_cast<float>(o) ? 1.0F
                                                                  : 0.0F);
    }
    const auto weights = fit_ridge(table, training, target, ridge);
    for (std::size_t i = 0; i < testing.size(); ++i) {
      predicted[i * outputs + o] = dot(table.row(testing[i]), weights);
    }
  }
  return predicted;
}

/// For each utterance, whether the probe trained on the other groups hits its class.
inline std::vector<bool> hits_on_unseen_groups(const Corpus& corpus,
                                               const std::vector<int>& modalities) {
  std::set<std::string> groups;
  for (const auto& dialogue : corpus.dialogues) groups.insert(dialogue.group);
  std::vector<bool> hits(corpus.utterances.size());
  for (const auto& group : groups) {
    std::vector<std::size_t> training;
    std::vector<std::size_t> testing;
    for (std::size_t i = 0; i < corpus.utterances.size(); ++i) {
      const auto d = static_cast<std::size_t>(corpus.utterances[i].dialogue);
      (corpus.dialogues[d].group == group ? testing : training).push_back(i);
    }
    const auto scores = probe(corpus, modalities, training, testing);
    const std::size_t classes = corpus.class_names.size();
    for (std::size_t i = 0; i < testing.size(); ++i) {
      const auto first = scores.begin() + static_cast<std::ptrdiff_t>(i * classes);
      const auto best = std::max_element(first, first + static_cast<std::ptrdiff_t>(classes));
      hits[testing[i]] = static_cast<float>(best - first) == corpus.utterances[testing[i]].label;
    }
  }
  return hits;
}

/// Accuracy over all utterances, each predicted by a probe that was not trained on its group.
inline double accuracy_on_unseen_groups(const Corpus& corpus, const std::vector<int>& modalities) {
  const auto hits = hits_on_unseen_groups(corpus, modalities);
  return static_cast<double>(std::count(hits.begin(), hits.end(), true)) /
         static_cast<double>(hits.size());
}

}  // namespace hardy::test
