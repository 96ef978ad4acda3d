#include "nn/backbone.h"

#include <torch/types.h>

#include <cmath>

namespace hardy {

Encoded limited_to(const Encoded& encoded, Pattern pattern) {
  Encoded result = encoded;
  for (std::size_t m = 0; m < result.z.size(); ++m) {
    if (!pattern.has(static_cast<int>(m))) result.z[m] = at::Tensor();
  }
  return result;
}

Backbone::Backbone(const BackboneOptions& options, ParameterSet& parameters, Generator& generator)
    : options_(options) {
  const auto& names = options.modality_names;
  const auto modalities = static_cast<std::int64_t>(names.size());
  const std::int64_t hidden = options.encoder.hidden;
  const std::int64_t stacked = modalities * hidden;
  for (std::size_t m = 0; m < names.size(); ++m) {
    embeddings_.push_back(
        parameters.add_linear("embed." + names[m], options.widths[m], hidden, generator));
    experts_.emplace_back(parameters, "expert." + names[m], options.encoder, generator);
    heads_.push_back(parameters.add_linear("head." + names[m], hidden, options.outputs, generator));
  }
  for (const auto& name : names) {
    joint_.push_back(
        parameters.add_linear("joint." + name, hidden, stacked, generator, stacked, false));
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(stacked));
  joint_bias_ = parameters.add_uniform("joint.bias", {stacked}, bound, generator);
  classifier_ = parameters.add_linear("classifier", stacked, options.outputs, generator);
  if (!options.has_decoder) return;
  std::int64_t decoder_in = stacked;
  if (options.encoder.decoder == Decoder::kTwoLayer) {
    decoder_hidden_ =
        parameters.add_linear("decoder.hidden", stacked, options.encoder.decoder_width, generator);
    decoder_in = options.encoder.decoder_width;
  }
  for (std::size_t m = 0; m < names.size(); ++m) {
    decoder_out_.push_back(
        parameters.add_linear("decoder." + names[m], decoder_in, options.widths[m], generator));
  }
}

at::Tensor Backbone::embed(int m, const at::Tensor& x, DropoutStream& dropout_stream) const {
  const auto& layer = embeddings_[static_cast<std::size_t>(m)];
  return dropout(linear(x, layer.weight, layer.bias), options_.encoder.dropout, dropout_stream);
}

Encoded Backbone::encode(const Batch& batch, DropoutStream& dropout_stream) const {
  Encoded encoded;
  for (std::size_t m = 0; m < experts_.size(); ++m) {
    const ModalityRows& rows = batch.modalities[m];
    if (rows.count == 0) {
      encoded.z.emplace_back();
      continue;
    }
    const auto embedded = embed(static_cast<int>(m), rows.inputs, dropout_stream);
    if (!options_.mixes_experts) {
      encoded.z.push_back(experts_[m].forward(embedded, rows.segments, dropout_stream));
      continue;
    }
    at::Tensor sum;
    for (const auto& expert : experts_) {
      const auto z = expert.forward(embedded, rows.segments, dropout_stream);
      sum = sum.defined() ? sum + z : z;
    }
    encoded.z.push_back(sum);
  }
  return encoded;
}

Fused Backbone::fuse(const Batch& batch, const Encoded& encoded,
                     DropoutStream& dropout_stream) const {
  const std::int64_t hidden = options_.encoder.hidden;
  Fused fused;
  std::vector<at::Tensor> blocks;
  auto projected = joint_bias_.unsqueeze(0).expand({batch.rows, joint_bias_.size(0)});
  for (std::size_t m = 0; m < encoded.z.size(); ++m) {
    const auto& z = encoded.z[m];
    const ModalityRows& rows = batch.modalities[m];
    if (!z.defined()) {
      blocks.push_back(at::zeros({batch.rows, hidden}, joint_bias_.options()));
      continue;
    }
    const auto part = linear(z, joint_[m].weight, at::Tensor());
    if (rows.covers_all()) {
      blocks.push_back(z);
      projected = projected + part;
    } else {
      blocks.push_back(
          at::zeros({batch.rows, hidden}, joint_bias_.options()).index_copy(0, rows.index, z));
      projected = projected.index_add(0, rows.index, part);
    }
  }
  fused.stacked = at::cat(blocks, 1);
  fused.joint = fused.stacked +
                relu_dropout(projected.contiguous(), options_.encoder.dropout, dropout_stream);
  return fused;
}

at::Tensor Backbone::classify(const Fused& fused) const {
  return linear(fused.joint, classifier_.weight, classifier_.bias);
}

std::vector<at::Tensor> Backbone::classify_under(const Batch& batch, const Encoded& encoded,
                                                 const std::vector<Pattern>& patterns) const {
  DropoutStream off;
  std::vector<at::Tensor> result;
  for (const auto pattern : patterns) {
    result.push_back(classify(fuse(batch, limited_to(encoded, pattern), off)));
  }
  return result;
}

at::Tensor Backbone::classify_modality(int m, const at::Tensor& z) const {
  const auto& head = heads_[static_cast<std::size_t>(m)];
  return linear(z, head.weight, head.bias);
}

std::vector<at::Tensor> Backbone::reconstruct(
    const Fused& fused, const std::vector<std::vector<std::int64_t>>& rows) const {
  const std::int64_t total = fused.joint.size(0);
  std::vector<std::int64_t> place(static_cast<std::size_t>(total), -1);
  for (const auto& wanted : rows) {
    for (const auto row : wanted) place[static_cast<std::size_t>(row)] = 0;
  }
  std::vector<std::int64_t> needed;
  for (std::int64_t row = 0; row < total; ++row) {
    if (place[static_cast<std::size_t>(row)] < 0) continue;
    place[static_cast<std::size_t>(row)] = static_cast<std::int64_t>(needed.size());
    needed.push_back(row);
  }
  std::vector<at::Tensor> result(rows.size());
  if (needed.empty()) return result;
  const at::Device device = fused.joint.device();
  const bool is_linear = !decoder_hidden_.weight.defined();
  at::Tensor source = is_linear ? fused.stacked : fused.joint;
  const auto count = static_cast<std::int64_t>(needed.size());
  if (count < total) source = source.index_select(0, index_tensor(needed, device));
  if (!is_linear) source = at::relu(linear(source, decoder_hidden_.weight, decoder_hidden_.bias));
  for (std::size_t m = 0; m < rows.size(); ++m) {
    if (rows[m].empty()) continue;
    at::Tensor part = source;
    if (static_cast<std::int64_t>(rows[m].size()) < count) {
      std::vector<std::int64_t> places;
      for (const auto row : rows[m]) places.push_back(place[static_cast<std::size_t>(row)]);
      part = source.index_select(0, index_tensor(places, device));
    }
    result[m] = linear(part, decoder_out_[m].weight, decoder_out_[m].bias);
  }
  return result;
}

}  // namespace hardy
