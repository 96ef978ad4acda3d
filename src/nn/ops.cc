#include "nn/ops.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "hardy/errors.h"
#include "kernels/training_loops.h"
#include "nn/compat.h"
#include "nn/fast_path.h"

namespace hardy {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class LinearFunction : public torch::autograd::Function<LinearFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["has_bias"] = is_given(bias);
    const std::int64_t n = x.size(0);
    const std::int64_t in = x.size(1);
    const std::int64_t out = weight.size(0);
    auto y = at::empty({n, out}, x.options());
    if (is_given(bias)) kernels::fill_rows(floats(y), n, out, floats(bias));
    kernels::gemm({.b_transposed = true, .m = n, .n = out, .k = in, .accumulate = is_given(bias)},
                  floats(x), in, floats(weight), in, floats(y), out);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto& weight = saved[1];
    const auto dy = gradients[0].contiguous();
    const std::int64_t n = x.size(0);
    const std::int64_t in = x.size(1);
    const std::int64_t out = weight.size(0);
    at::Tensor dx;
    at::Tensor dweight;
    at::Tensor dbias;
    if (context->needs_input_grad(0)) {
      dx = at::empty_like(x);
      kernels::gemm({.m = n, .n = in, .k = out}, floats(dy), out, floats(weight), in, floats(dx),
                    in);
    }
    if (context->needs_input_grad(1)) {
      dweight = at::empty_like(weight);
      kernels::gemm({.a_transposed = true, .m = out, .n = in, .k = n}, floats(dy), out, floats(x),
                    in, floats(dweight), in);
    }
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2)) {
      dbias = at::empty({out}, x.options());
      kernels::sum_rows(floats(dy), n, out, floats(dbias));
    }
    return {dx, dweight, dbias};
  }
};

enum class Activation { kNone, kRelu, kGelu };

/// dropout(activation(x)). The backward pass draws the mask again instead of storing it.
class ActivationDropoutFunction : public torch::autograd::Function<ActivationDropoutFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, std::int64_t activation,
                            double p, std::int64_t key) {
    const auto kind = static_cast<Activation>(activation);
    at::Tensor y;
    if (kind == Activation::kRelu) {
      y = at::empty_like(x);
      kernels::relu_mask(floats(x), floats(y), x.numel(), p, static_cast<std::uint64_t>(key));
      context->save_for_backward({y});
    } else {
      y = kind == Activation::kGelu ? at::gelu(x) : at::empty_like(x);
      const float* source = kind == Activation::kGelu ? floats(y) : floats(x);
      kernels::scale_by_mask(source, floats(y), x.numel(), p, static_cast<std::uint64_t>(key));
      context->save_for_backward({x});
    }
    context->saved_data["activation"] = activation;
    context->saved_data["p"] = p;
    context->saved_data["key"] = key;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto kind = static_cast<Activation>(context->saved_data["activation"].toInt());
    const double p = context->saved_data["p"].toDouble();
    const auto key = static_cast<std::uint64_t>(context->saved_data["key"].toInt());
    const auto saved = context->get_saved_variables()[0];
    const auto dy = gradients[0].contiguous();
    auto dx = at::empty_like(dy);
    if (kind == Activation::kRelu) {
      // A positive output was neither clipped nor dropped.
      const auto scale = static_cast<float>(1.0 / (1.0 - p));
      const float* y = floats(saved);
      const float* source = floats(dy);
      float* target = floats(dx);
      for (std::int64_t i = 0; i < dy.numel(); ++i) {
        target[i] = source[i] * (y[i] > 0.0F ? scale : 0.0F);
      }
    } else {
      kernels::scale_by_mask(floats(dy), floats(dx), dy.numel(), p, key);
      if (kind == Activation::kGelu) dx = at::gelu_backward(dx, saved);
    }
    return {dx, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

/// The mask of the kernel as a tensor, for the general path of dropout.
at::Tensor mask_like(const at::Tensor& x, double p, std::uint64_t key) {
  auto ones = at::ones({x.numel()}, at::TensorOptions(at::kFloat));
  kernels::scale_by_mask(floats(ones), floats(ones), ones.numel(), p, key);
  return ones.view(x.sizes()).to(x.device(), x.scalar_type());
}

at::Tensor activation_dropout(const at::Tensor& x, Activation activation, double p,
                              DropoutStream& stream) {
  const bool drops = stream.is_training() && p > 0;
  const std::uint64_t key = drops ? stream.next() : 0;
  if (drops && is_fast(x)) {
    return ActivationDropoutFunction::apply(x, static_cast<std::int64_t>(activation), p,
                                            static_cast<std::int64_t>(key));
  }
  auto y = x;
  if (activation == Activation::kRelu) y = at::relu(x);
  if (activation == Activation::kGelu) y = at::gelu(x);
  return drops ? y * mask_like(x, p, key) : y;
}

class SquaredErrorFunction : public torch::autograd::Function<SquaredErrorFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& y,
                            const at::Tensor& weights) {
    context->save_for_backward({x, y, weights});
    const double sum =
        kernels::squared_error(floats(x), floats(y), floats(weights), x.size(0), x.size(1));
    return at::full({}, sum / static_cast<double>(x.size(1)), x.options());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    auto dx = at::empty_like(saved[0]);
    const auto width = saved[0].size(1);
    kernels::squared_error_backward(floats(saved[0]), floats(saved[1]), floats(saved[2]),
                                    gradients[0].item<float>() / static_cast<float>(width),
                                    saved[0].size(0), width, floats(dx));
    return {dx, at::Tensor(), at::Tensor()};
  }
};

constexpr double kSmallestShare = 1e-6;   // as in the published code
constexpr double kLogarithmGuard = 1e-7;  // as in the published code

class SoftmaxEntropyFunction : public torch::autograd::Function<SoftmaxEntropyFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& f) {
    const auto share = at::softmax(f, 1);
    const auto clamped = at::clamp(share, kSmallestShare, 1.0);
    const auto logarithm = at::log(clamped + kLogarithmGuard);
    context->save_for_backward({share, logarithm});
    return -(clamped * logarithm).sum(1);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& share = saved[0];
    // d/dp of -p ln(p + guard), zero where p is clamped.
    const auto slope = -(saved[1] + share / (share + kLogarithmGuard));
    const auto dshare = at::where(share >= kSmallestShare, slope, at::zeros({}, share.options()));
    const auto mean = (share * dshare).sum(1, true);
    return {share * (dshare - mean) * gradients[0].unsqueeze(1)};
  }
};

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (is_fast(x) && is_fast(weight)) return LinearFunction::apply(x, weight, or_empty(bias, x));
  return at::linear(x, weight,
                    bias.defined() ? TorchOptional<at::Tensor>(bias) : TorchOptional<at::Tensor>());
}

std::uint64_t DropoutStream::next() { return mix64(key_ ^ mix64(++layer_)); }

at::Tensor dropout(const at::Tensor& x, double p, DropoutStream& stream) {
  return activation_dropout(x, Activation::kNone, p, stream);
}

at::Tensor gelu_dropout(const at::Tensor& x, double p, DropoutStream& stream) {
  return activation_dropout(x, Activation::kGelu, p, stream);
}

at::Tensor relu_dropout(const at::Tensor& x, double p, DropoutStream& stream) {
  return activation_dropout(x, Activation::kRelu, p, stream);
}

at::Tensor weighted_squared_error(const at::Tensor& x, const at::Tensor& y,
                                  const at::Tensor& row_weights) {
  if (is_fast(x) && is_fast(y)) return SquaredErrorFunction::apply(x, y, row_weights);
  return ((x - y).square().sum(1) * row_weights).sum() / x.size(1);
}

at::Tensor softmax_entropy(const at::Tensor& f) { return SoftmaxEntropyFunction::apply(f); }

}  // namespace hardy
