// The feature-tuning network of one modality (paper 3.3.1).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "base/random.h"
#include "nn/parameters.h"

namespace hardy {

/// f = Linear(d->d)(ReLU(Linear(d->d) x)), the tuned feature: as wide as the feature itself.
class TuningAdapter {
 public:
  TuningAdapter(std::int64_t width, ParameterSet& parameters, Generator& generator);

  /// Shapes: x [n, d] -> [n, d].
  [[nodiscard]] at::Tensor feature(const at::Tensor& x) const;

 private:
  LinearLayer first_;
  LinearLayer second_;
};

/// An adapter with its auxiliary head: ReLU, Linear(d->d/2) ReLU Linear(d/2->d/4) ReLU
/// Linear(d/4->C). Returns logits. The published code applies a softmax before the cross-entropy;
/// callers add it where they reproduce that.
class TuningNet {
 public:
  TuningNet(std::int64_t width, std::int64_t outputs, ParameterSet& parameters,
            Generator& generator);

  /// Shapes: x [n, d] -> [n, d].
  [[nodiscard]] at::Tensor feature(const at::Tensor& x) const { return adapter_.feature(x); }

  /// Shapes: feature [n, d] -> [n, C].
  [[nodiscard]] at::Tensor head(const at::Tensor& feature) const;

 private:
  TuningAdapter adapter_;
  LinearLayer head1_;
  LinearLayer head2_;
  LinearLayer head3_;
};

}  // namespace hardy
