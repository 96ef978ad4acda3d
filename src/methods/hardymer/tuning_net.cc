#include "methods/hardymer/tuning_net.h"

#include <torch/types.h>

#include <algorithm>

#include "nn/ops.h"

namespace hardy {
namespace {

at::Tensor apply(const LinearLayer& layer, const at::Tensor& x) {
  return linear(x, layer.weight, layer.bias);
}

}  // namespace

TuningAdapter::TuningAdapter(std::int64_t width, ParameterSet& parameters, Generator& generator)
    : first_(parameters.add_linear("adapter1", width, width, generator)),
      second_(parameters.add_linear("adapter2", width, width, generator)) {}

at::Tensor TuningAdapter::feature(const at::Tensor& x) const {
  return apply(second_, at::relu(apply(first_, x)));
}

TuningNet::TuningNet(std::int64_t width, std::int64_t outputs, ParameterSet& parameters,
                     Generator& generator)
    : adapter_(width, parameters, generator) {
  // A width below 4 still needs one unit per layer.
  const std::int64_t half = std::max<std::int64_t>(1, width / 2);
  const std::int64_t quarter = std::max<std::int64_t>(1, width / 4);
  head1_ = parameters.add_linear("head1", width, half, generator);
  head2_ = parameters.add_linear("head2", half, quarter, generator);
  head3_ = parameters.add_linear("head3", quarter, outputs, generator);
}

at::Tensor TuningNet::head(const at::Tensor& feature) const {
  return apply(head3_, at::relu(apply(head2_, at::relu(apply(head1_, at::relu(feature))))));
}

}  // namespace hardy
