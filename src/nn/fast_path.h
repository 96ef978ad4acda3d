// Condition for the float32 kernels, shared by the operations. Internal.
#pragma once

#include <torch/types.h>

namespace hardy {

/// Whether the raw kernels support the tensor.
inline bool is_fast(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && x.is_contiguous();
}

inline float* floats(const at::Tensor& x) { return static_cast<float*>(x.data_ptr()); }

/// Replaces an absent argument: autograd functions refuse undefined tensors.
inline at::Tensor or_empty(const at::Tensor& x, const at::Tensor& like) {
  return x.defined() ? x : at::empty({0}, like.options());
}

inline bool is_given(const at::Tensor& x) { return x.numel() > 0; }

}  // namespace hardy
