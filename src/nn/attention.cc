// Ragged multi-head attention within the segments of packed rows.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "hardy/errors.h"
#include "kernels/training_loops.h"
#include "nn/fast_path.h"
#include "nn/ops.h"

namespace hardy {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Geometry of an attention call, shared by forward and backward.
struct AttentionShape {
  std::vector<std::int64_t> query_offsets;
  std::vector<std::int64_t> key_offsets;
  std::int64_t heads = 1;
  std::int64_t width = 0;  ///< D
  std::int64_t bias_entries = 0;
  std::vector<std::int32_t> bias_index;  ///< per segment, [L_q, L_k] entries; empty = no bias

  [[nodiscard]] std::size_t segments() const { return query_offsets.size() - 1; }

  [[nodiscard]] std::int64_t queries(std::size_t s) const {
    return query_offsets[s + 1] - query_offsets[s];
  }

  [[nodiscard]] std::int64_t keys(std::size_t s) const {
    return key_offsets[s + 1] - key_offsets[s];
  }

  [[nodiscard]] std::int64_t score_count() const {
    std::int64_t total = 0;
    for (std::size_t s = 0; s < segments(); ++s) total += queries(s) * keys(s);
    return total * heads;
  }
};

/// Position of q, k and v in an attention call: row strides and first columns.
struct AttentionData {
  const float* q;
  std::int64_t q_stride;
  const float* k;
  const float* v;
  std::int64_t kv_stride;
};

void attention_forward(const AttentionShape& shape, const AttentionData& data, const float* table,
                       float* scores, float* output) {
  const std::int64_t dh = shape.width / shape.heads;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dh));
  std::int64_t pairs_before = 0;
  for (std::size_t s = 0; s < shape.segments(); ++s) {
    const std::int64_t lq = shape.queries(s);
    const std::int64_t lk = shape.keys(s);
    const std::int64_t q0 = shape.query_offsets[s];
    const std::int64_t k0 = shape.key_offsets[s];
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      float* p = scores + pairs_before * shape.heads + h * lq * lk;
      float* z = output + q0 * shape.width + h * dh;
      if (lk == 0) {
        for (std::int64_t i = 0; i < lq; ++i) std::fill_n(z + i * shape.width, dh, 0.0F);
        continue;
      }
      kernels::gemm({.b_transposed = true, .m = lq, .n = lk, .k = dh, .alpha = scale},
                    data.q + q0 * data.q_stride + h * dh, data.q_stride,
                    data.k + k0 * data.kv_stride + h * dh, data.kv_stride, p, lk);
      if (table != nullptr) {
        const std::int32_t* entry = shape.bias_index.data() + pairs_before;
        for (std::int64_t i = 0; i < lq * lk; ++i) p[i] += table[h * shape.bias_entries + entry[i]];
      }
      kernels::softmax_rows(p, lq, lk);
      kernels::gemm({.m = lq, .n = dh, .k = lk}, p, lk, data.v + k0 * data.kv_stride + h * dh,
                    data.kv_stride, z, shape.width);
    }
    pairs_before += lq * lk;
  }
}

/// Gradients of an attention call, in the layout of its inputs; `dtable` may be null.
struct AttentionGradients {
  float* dq;
  float* dk;
  float* dv;
  float* dtable;
};

void attention_backward(const AttentionShape& shape, const AttentionData& data, const float* scores,
                        const float* doutput, const AttentionGradients& gradients) {
  const std::int64_t dh = shape.width / shape.heads;
  const float scale = 1.0F / std::sqrt(static_cast<float>(dh));
  std::vector<float> ds;
  std::int64_t pairs_before = 0;
  for (std::size_t s = 0; s < shape.segments(); ++s) {
    const std::int64_t lq = shape.queries(s);
    const std::int64_t lk = shape.keys(s);
    const std::int64_t q0 = shape.query_offsets[s];
    const std::int64_t k0 = shape.key_offsets[s];
    ds.resize(static_cast<std::size_t>(lq * lk));
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      float* dq = gradients.dq + q0 * data.q_stride + h * dh;
      float* dk = gradients.dk + k0 * data.kv_stride + h * dh;
      float* dv = gradients.dv + k0 * data.kv_stride + h * dh;
      if (lk == 0) {
        for (std::int64_t i = 0; i < lq; ++i) std::fill_n(dq + i * data.q_stride, dh, 0.0F);
        continue;
      }
      if (lq == 0) {
        for (std::int64_t i = 0; i < lk; ++i) {
          std::fill_n(dk + i * data.kv_stride, dh, 0.0F);
          std::fill_n(dv + i * data.kv_stride, dh, 0.0F);
        }
        continue;
      }
      const float* p = scores + pairs_before * shape.heads + h * lq * lk;
      const float* dz = doutput + q0 * shape.width + h * dh;
      kernels::gemm({.b_transposed = true, .m = lq, .n = lk, .k = dh}, dz, shape.width,
                    data.v + k0 * data.kv_stride + h * dh, data.kv_stride, ds.data(), lk);
      kernels::gemm({.a_transposed = true, .m = lk, .n = dh, .k = lq}, p, lk, dz, shape.width, dv,
                    data.kv_stride);
      kernels::softmax_backward_rows(p, ds.data(), lq, lk);
      if (gradients.dtable != nullptr) {
        const std::int32_t* entry = shape.bias_index.data() + pairs_before;
        float* row = gradients.dtable + h * shape.bias_entries;
        for (std::int64_t i = 0; i < lq * lk; ++i) row[entry[i]] += ds[static_cast<std::size_t>(i)];
      }
      kernels::gemm({.m = lq, .n = dh, .k = lk, .alpha = scale}, ds.data(), lk,
                    data.k + k0 * data.kv_stride + h * dh, data.kv_stride, dq, data.q_stride);
      kernels::gemm({.a_transposed = true, .m = lk, .n = dh, .k = lq, .alpha = scale}, ds.data(),
                    lk, data.q + q0 * data.q_stride + h * dh, data.q_stride, dk, data.kv_stride);
    }
    pairs_before += lq * lk;
  }
}

/// Carries an AttentionShape from forward to backward.
struct ShapeHolder : torch::CustomClassHolder {
  explicit ShapeHolder(AttentionShape held) : shape(std::move(held)) {}

  AttentionShape shape;
};

class SelfAttentionFunction : public torch::autograd::Function<SelfAttentionFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv,
                            const at::Tensor& table, std::shared_ptr<AttentionShape> shape) {
    auto scores = at::empty({shape->score_count()}, qkv.options());
    auto output = at::empty({qkv.size(0), shape->width}, qkv.options());
    attention_forward(*shape, data_of(qkv, shape->width), is_given(table) ? floats(table) : nullptr,
                      floats(scores), floats(output));
    context->save_for_backward({qkv, scores});
    context->saved_data["has_table"] = is_given(table);
    context->saved_data["shape"] =
        c10::IValue::make_capsule(c10::make_intrusive<ShapeHolder>(*shape));
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& qkv = saved[0];
    const auto holder =
        c10::static_intrusive_pointer_cast<ShapeHolder>(context->saved_data["shape"].toCapsule());
    const AttentionShape& shape = holder->shape;
    const auto doutput = gradients[0].contiguous();
    auto dqkv = at::empty_like(qkv);
    at::Tensor dtable;
    if (context->saved_data["has_table"].toBool()) {
      dtable = at::zeros({shape.heads, shape.bias_entries}, qkv.options());
    }
    const AttentionData data = data_of(qkv, shape.width);
    float* base = floats(dqkv);
    attention_backward(shape, data, floats(saved[1]), floats(doutput),
                       {base, base + shape.width, base + 2 * shape.width,
                        dtable.defined() ? floats(dtable) : nullptr});
    return {dqkv, dtable, at::Tensor()};
  }

 private:
  static AttentionData data_of(const at::Tensor& qkv, std::int64_t width) {
    const float* base = floats(qkv);
    return {base, 3 * width, base + width, base + 2 * width, 3 * width};
  }
};

class CrossAttentionFunction : public torch::autograd::Function<CrossAttentionFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& kv,
                            std::shared_ptr<AttentionShape> shape) {
    auto scores = at::empty({shape->score_count()}, q.options());
    auto output = at::empty({q.size(0), shape->width}, q.options());
    attention_forward(*shape, data_of(q, kv, shape->width), nullptr, floats(scores),
                      floats(output));
    context->save_for_backward({q, kv, scores});
    context->saved_data["shape"] =
        c10::IValue::make_capsule(c10::make_intrusive<ShapeHolder>(*shape));
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto holder =
        c10::static_intrusive_pointer_cast<ShapeHolder>(context->saved_data["shape"].toCapsule());
    const AttentionShape& shape = holder->shape;
    const auto doutput = gradients[0].contiguous();
    auto dq = at::empty_like(saved[0]);
    auto dkv = at::empty_like(saved[1]);
    attention_backward(shape, data_of(saved[0], saved[1], shape.width), floats(saved[2]),
                       floats(doutput),
                       {floats(dq), floats(dkv), floats(dkv) + shape.width, nullptr});
    return {dq, dkv, at::Tensor()};
  }

 private:
  static AttentionData data_of(const at::Tensor& q, const at::Tensor& kv, std::int64_t width) {
    const float* base = floats(kv);
    return {floats(q), width, base, base + width, 2 * width};
  }
};

/// One head of one segment through ATen, for devices and types without a kernel.
at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                  const at::Tensor& bias) {
  auto scores = at::matmul(q / std::sqrt(static_cast<double>(q.size(1))), k.t());
  if (bias.defined()) scores = scores + bias;
  return at::matmul(at::softmax(scores, -1), v);
}

/// The general path: a loop over segments and heads of differentiable ATen operations.
at::Tensor general_attention(const AttentionShape& shape, const at::Tensor& q, const at::Tensor& k,
                             const at::Tensor& v, const at::Tensor& table) {
  const std::int64_t dh = shape.width / shape.heads;
  std::vector<at::Tensor> rows;
  std::int64_t pairs_before = 0;
  for (std::size_t s = 0; s < shape.segments(); ++s) {
    const std::int64_t lq = shape.queries(s);
    const std::int64_t lk = shape.keys(s);
    if (lq == 0) continue;
    at::Tensor entries;
    if (table.defined() && lk > 0) {
      const auto first = shape.bias_index.begin() + pairs_before;
      entries = at::tensor(std::vector<std::int64_t>(first, first + lq * lk),
                           at::TensorOptions(at::kLong))
                    .to(q.device());
    }
    std::vector<at::Tensor> heads;
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      const auto part = [&](const at::Tensor& x, std::int64_t offset, std::int64_t length) {
        return x.narrow(0, offset, length).narrow(1, h * dh, dh);
      };
      if (lk == 0) {
        heads.push_back(at::zeros({lq, dh}, q.options()));
        continue;
      }
      const at::Tensor bias =
          entries.defined() ? table[h].index_select(0, entries).view({lq, lk}) : at::Tensor();
      heads.push_back(attend(part(q, shape.query_offsets[s], lq), part(k, shape.key_offsets[s], lk),
                             part(v, shape.key_offsets[s], lk), bias));
    }
    rows.push_back(at::cat(heads, 1));
    pairs_before += lq * lk;
  }
  return rows.empty() ? q * 0 : at::cat(rows, 0);
}

std::vector<std::int32_t> bias_index(const Segments& segments, const RelationBias& bias) {
  std::vector<std::int32_t> index;
  for (std::size_t s = 0; s + 1 < segments.offsets.size(); ++s) {
    for (std::int64_t i = segments.offsets[s]; i < segments.offsets[s + 1]; ++i) {
      for (std::int64_t j = segments.offsets[s]; j < segments.offsets[s + 1]; ++j) {
        const auto query = static_cast<std::size_t>(i);
        const auto key = static_cast<std::size_t>(j);
        index.push_back(static_cast<std::int32_t>(
            bias.entry(segments.positions[key] - segments.positions[query],
                       segments.speakers[key] == segments.speakers[query])));
      }
    }
  }
  return index;
}

}  // namespace

std::int64_t RelationBias::entry(std::int64_t distance, bool same_speaker) const {
  const std::int64_t place = std::clamp(distance, -reach, reach) + reach;
  return place + (by_speaker && same_speaker ? 2 * reach + 1 : 0);
}

at::Tensor self_attention(const at::Tensor& qkv, const Segments& segments, std::int64_t heads,
                          const RelationBias& bias) {
  auto shape = std::make_shared<AttentionShape>();
  shape->query_offsets = segments.offsets;
  shape->key_offsets = segments.offsets;
  shape->heads = heads;
  shape->width = qkv.size(1) / 3;
  if (bias.table.defined()) {
    shape->bias_entries = bias.entries();
    shape->bias_index = bias_index(segments, bias);
  }
  check(segments.rows() == qkv.size(0), "segments do not cover the rows");
  if (is_fast(qkv)) return SelfAttentionFunction::apply(qkv, or_empty(bias.table, qkv), shape);
  const std::int64_t width = shape->width;
  return general_attention(*shape, qkv.narrow(1, 0, width), qkv.narrow(1, width, width),
                           qkv.narrow(1, 2 * width, width), bias.table);
}

at::Tensor cross_attention(const at::Tensor& q, const at::Tensor& kv, const Segments& queries,
                           const Segments& keys, std::int64_t heads) {
  check(queries.offsets.size() == keys.offsets.size(), "queries and keys have other segments");
  check(queries.rows() == q.size(0) && keys.rows() == kv.size(0), "segments do not cover the rows");
  auto shape = std::make_shared<AttentionShape>();
  shape->query_offsets = queries.offsets;
  shape->key_offsets = keys.offsets;
  shape->heads = heads;
  shape->width = q.size(1);
  if (is_fast(q) && is_fast(kv)) return CrossAttentionFunction::apply(q, kv, shape);
  const std::int64_t width = shape->width;
  return general_attention(*shape, q, kv.narrow(1, 0, width), kv.narrow(1, width, width), {});
}

}  // namespace hardy
