// Transformation of scaled features before they are embedded.
#include "inference/network.h"

namespace hardy::predict {

void transform_input(const ModalityView& modality, Rows input, std::int64_t n, Buffers& buffers) {
  if (!modality.reads_tuned()) return;
  const std::int64_t width = modality.tuning1.in;
  const Rows inner = {room(buffers.tuning, n * width), width};
  linear(constant(input), n, modality.tuning1, inner, false);
  relu(inner.data, n * width);
  linear(constant(inner), n, modality.tuning2, input, false);
}

}  // namespace hardy::predict
