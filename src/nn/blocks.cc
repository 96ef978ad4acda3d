// A linear layer over a wide input of which each row has only some blocks of columns.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>

#include "hardy/errors.h"
#include "kernels/training_loops.h"
#include "nn/fast_path.h"
#include "nn/ops.h"

namespace hardy {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// target [n, width], row rows[i], += part [k, width], row i.
void add_rows(const float* part, const std::vector<std::int64_t>& rows, std::int64_t width,
              float* target) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const float* from = part + static_cast<std::int64_t>(i) * width;
    float* to = target + rows[i] * width;
    for (std::int64_t j = 0; j < width; ++j) to[j] += from[j];
  }
}

/// The rows [k, width] of x [n, width].
at::Tensor gathered(const at::Tensor& x, const std::vector<std::int64_t>& rows) {
  const std::int64_t width = x.size(1);
  auto result = at::empty({static_cast<std::int64_t>(rows.size()), width}, x.options());
  float* to = floats(result);
  for (const auto row : rows) to = std::copy_n(floats(x) + row * width, width, to);
  return result;
}

class LinearOfBlocksFunction : public torch::autograd::Function<LinearOfBlocksFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& weight,
                            const at::Tensor& bias, const std::vector<InputBlock>& blocks,
                            std::int64_t n) {
    const std::int64_t out = weight.size(0);
    const std::int64_t in = weight.size(1);
    auto y = at::empty({n, out}, weight.options());
    kernels::fill_rows(floats(y), n, out, floats(bias));
    variable_list saved = {weight};
    std::vector<std::vector<std::int64_t>> rows;
    std::int64_t first = 0;
    for (const auto& block : blocks) {
      const std::int64_t count = block.x.size(0);
      const std::int64_t width = block.x.size(1);
      const bool covers = block.covers(n);
      auto part = covers ? y : at::empty({count, out}, y.options());
      if (count > 0) {
        kernels::gemm(
            {.b_transposed = true, .m = count, .n = out, .k = width, .accumulate = covers},
            floats(block.x), width, floats(weight) + first, in, floats(part), out);
        if (!covers) add_rows(floats(part), block.rows, out, floats(y));
      }
      saved.push_back(block.x);
      rows.push_back(block.rows);
      first += width;
    }
    context->save_for_backward(saved);
    context->saved_data["rows"] = rows;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& weight = saved[0];
    const auto dy = gradients[0].contiguous();
    const std::int64_t n = dy.size(0);
    const std::int64_t out = weight.size(0);
    const std::int64_t in = weight.size(1);
    const auto rows = context->saved_data["rows"].toList();
    at::Tensor dweight;
    if (context->needs_input_grad(0)) {
      dweight = at::zeros_like(weight);
      std::int64_t first = 0;
      for (std::size_t b = 0; b + 1 < saved.size(); ++b) {
        const auto& x = saved[b + 1];
        const std::int64_t count = x.size(0);
        const std::int64_t width = x.size(1);
        if (count > 0) {
          const auto own = count == n ? dy : gathered(dy, rows.get(b).toIntVector());
          kernels::gemm({.a_transposed = true, .m = out, .n = width, .k = count}, floats(own), out,
                        floats(x), width, floats(dweight) + first, in);
        }
        first += width;
      }
    }
    at::Tensor dbias;
    if (context->needs_input_grad(1)) {
      dbias = at::empty({out}, weight.options());
      kernels::sum_rows(floats(dy), n, out, floats(dbias));
    }
    return {dweight, dbias, at::Tensor(), at::Tensor()};
  }
};

/// The same through ATen, for every device and type.
at::Tensor general_linear_of_blocks(const std::vector<InputBlock>& blocks, std::int64_t n,
                                    const at::Tensor& weight, const at::Tensor& bias) {
  auto y = bias.unsqueeze(0).expand({n, bias.size(0)});
  std::int64_t first = 0;
  for (const auto& block : blocks) {
    const auto part = at::linear(block.x, weight.narrow(1, first, block.x.size(1)));
    const auto index = at::tensor(block.rows, at::TensorOptions(at::kLong)).to(part.device());
    y = block.covers(n) ? y + part : y.index_add(0, index, part);
    first += block.x.size(1);
  }
  return y;
}

}  // namespace

at::Tensor linear_of_blocks(const std::vector<InputBlock>& blocks, std::int64_t n,
                            const at::Tensor& weight, const at::Tensor& bias) {
  std::int64_t in = 0;
  for (const auto& block : blocks) in += block.x.size(1);
  check(in == weight.size(1), "the blocks are not as wide as the layer");
  const bool all_fast = std::all_of(blocks.begin(), blocks.end(),
                                    [](const InputBlock& block) { return is_fast(block.x); });
  if (all_fast && is_fast(weight) && is_fast(bias)) {
    return LinearOfBlocksFunction::apply(weight, bias, blocks, n);
  }
  return general_linear_of_blocks(blocks, n, weight, bias);
}

}  // namespace hardy
