#include "nn/encoder.h"

#include <torch/types.h>

#include <fmt/format.h>

namespace hardy {
namespace {

at::Tensor normalise(const at::Tensor& x, const LinearLayer& norm) {
  return at::layer_norm(x, {x.size(1)}, norm.weight, norm.bias);
}

LinearLayer add_norm(ParameterSet& parameters, const std::string& name, std::int64_t width) {
  return {parameters.add_constant(name + ".weight", {width}, 1.0),
          parameters.add_constant(name + ".bias", {width}, 0.0)};
}

}  // namespace

ExpertStack::ExpertStack(ParameterSet& parameters, const std::string& name,
                         const EncoderConfig& config, Generator& generator)
    : config_(config) {
  const std::int64_t width = config.hidden;
  const bool has_norm = config.norm == Norm::kLayer;
  for (std::int64_t depth = 0; depth < config.depth; ++depth) {
    const std::string prefix = fmt::format("{}.{}", name, depth);
    Unit unit;
    unit.qkv = parameters.add_linear(prefix + ".qkv", width, 3 * width, generator);
    unit.fc1 = parameters.add_linear(prefix + ".fc1", width, width, generator);
    unit.fc2 = parameters.add_linear(prefix + ".fc2", width, width, generator);
    if (has_norm) {
      unit.norm1 = add_norm(parameters, prefix + ".norm1", width);
      unit.norm2 = add_norm(parameters, prefix + ".norm2", width);
    }
    unit.bias.reach = config.position == Position::kRelative ? kRelativeReach : 0;
    unit.bias.by_speaker = config.speaker == SpeakerBias::kRelation;
    if (unit.bias.entries() > 1) {
      // Zero, so that a new model starts like one without bias.
      unit.bias.table =
          parameters.add_constant(prefix + ".relation", {config.heads, unit.bias.entries()}, 0.0);
    }
    units_.push_back(std::move(unit));
  }
  if (has_norm) final_norm_ = add_norm(parameters, name + ".norm", width);
}

at::Tensor ExpertStack::run_mlp(const Unit& unit, const at::Tensor& x,
                                DropoutStream& dropout_stream) const {
  const auto inner =
      gelu_dropout(linear(x, unit.fc1.weight, unit.fc1.bias), config_.dropout, dropout_stream);
  return dropout(linear(inner, unit.fc2.weight, unit.fc2.bias), config_.dropout, dropout_stream);
}

at::Tensor ExpertStack::run_unit(const Unit& unit, const at::Tensor& x, const Segments& segments,
                                 DropoutStream& dropout_stream) const {
  const auto attend = [&](const at::Tensor& input) {
    return self_attention(linear(input, unit.qkv.weight, unit.qkv.bias), segments, config_.heads,
                          unit.bias);
  };
  if (!unit.norm1.weight.defined()) {
    const auto z = attend(x);
    return x + z + run_mlp(unit, z, dropout_stream);
  }
  const auto y = x + attend(normalise(x, unit.norm1));
  return y + run_mlp(unit, normalise(y, unit.norm2), dropout_stream);
}

at::Tensor ExpertStack::forward(const at::Tensor& x, const Segments& segments,
                                DropoutStream& dropout_stream) const {
  at::Tensor state = x;
  for (const auto& unit : units_) state = run_unit(unit, state, segments, dropout_stream);
  return final_norm_.weight.defined() ? normalise(state, final_norm_) : state;
}

at::Tensor ExpertStack::forward_without_keys(const at::Tensor& x) const {
  DropoutStream off;
  at::Tensor state = x;
  for (const auto& unit : units_) state = state + run_mlp(unit, at::zeros_like(x), off);
  return state;
}

CrossAttention::CrossAttention(ParameterSet& parameters, const std::string& name,
                               const EncoderConfig& config, Generator& generator,
                               bool drops_attention)
    : heads_(config.heads), dropout_(config.dropout), drops_attention_(drops_attention) {
  const std::int64_t width = config.hidden;
  q_ = parameters.add_linear(name + ".q", width, width, generator);
  kv_ = parameters.add_linear(name + ".kv", width, 2 * width, generator);
  proj_ = parameters.add_linear(name + ".proj", width, width, generator);
  fc1_ = parameters.add_linear(name + ".fc1", width, width, generator);
  fc2_ = parameters.add_linear(name + ".fc2", width, width, generator);
}

at::Tensor CrossAttention::forward(const at::Tensor& x, const at::Tensor& y,
                                   const Segments& queries, const Segments& keys,
                                   DropoutStream& dropout_stream) const {
  auto attended = cross_attention(linear(x, q_.weight, q_.bias), linear(y, kv_.weight, kv_.bias),
                                  queries, keys, heads_);
  // The graph stays connected: the gradients are exactly zero, and the L2 penalty is added to them.
  if (drops_attention_ && dropout_stream.is_training()) attended = attended * 0.0;
  const auto x1 = dropout(linear(attended, proj_.weight, proj_.bias), dropout_, dropout_stream);
  const auto inner = gelu_dropout(linear(x1, fc1_.weight, fc1_.bias), dropout_, dropout_stream);
  return x1 + dropout(linear(inner, fc2_.weight, fc2_.bias), dropout_, dropout_stream);
}

}  // namespace hardy
