// The forward pass (src/nn/backbone.h and encoder.h, without gradients and dropout).
#include <algorithm>
#include <cmath>

#include "inference/network.h"
#include "kernels/panels.h"

namespace hardy::predict {
namespace {

/// Floats between two rows of input: one cache line.
constexpr std::int64_t kInputGap = 16;

Rows rows_of(std::vector<float>& buffer, std::int64_t n, std::int64_t width) {
  return {room(buffer, n * width), width};
}

/// One row of normed per row of x; x itself without a norm.
ConstRows normalised(const NormView& norm, ConstRows x, std::int64_t n, std::int64_t width,
                     Buffers& buffers) {
  if (norm.weight == nullptr) return x;
  const Rows y = rows_of(buffers.normed, n, width);
  for (std::int64_t i = 0; i < n; ++i) {
    layer_norm(x.row(i), width, norm.weight, norm.bias, y.row(i));
  }
  return constant(y);
}

/// An utterance alone in its dialogue attends to itself with weight one: z = v, without q and k.
bool everyone_is_alone(const ModalityRows& rows) {
  return std::adjacent_find(rows.offsets.begin(), rows.offsets.end(),
                            [](auto x, auto y) { return y - x > 1; }) == rows.offsets.end();
}

/// q of the rows from first_query on, k and v of all. Shapes: x [n, D] -> qkv [n, 3D].
void project(const UnitView& unit, ConstRows x, std::int64_t n, std::int64_t first_query,
             Rows qkv) {
  const std::int64_t width = unit.q.out;
  linear({x.row(first_query), x.stride}, n - first_query, unit.q,
         {qkv.row(first_query), qkv.stride}, false);
  linear(x, n, unit.k, {qkv.data + width, qkv.stride}, false);
  linear(x, n, unit.v, {qkv.data + 2 * width, qkv.stride}, false);
}

/// The learned bias of one head, added to the scores of a dialogue.
void add_relation(const NetworkView& network, const UnitView& unit, const ModalityRows& rows,
                  std::int64_t head, std::int64_t first, std::int64_t first_query, std::int64_t end,
                  float* scores) {
  const float* table = unit.relation + head * network.relation.entries();
  for (std::int64_t i = first_query; i < end; ++i) {
    for (std::int64_t j = first; j < end; ++j) {
      const auto query = static_cast<std::size_t>(i);
      const auto key = static_cast<std::size_t>(j);
      *scores++ += table[network.relation.entry(rows.positions[key] - rows.positions[query],
                                                rows.speakers[key] == rows.speakers[query])];
    }
  }
}

/// Attention inside each dialogue, for queries from first_query on. Shapes: qkv [n, 3D] -> [n, D].
void attend(const NetworkView& network, const UnitView& unit, const StackPass& pass, ConstRows qkv,
            std::int64_t first_query, Buffers& buffers, Rows attended) {
  const std::int64_t width = network.hidden;
  const std::int64_t head_width = width / network.heads;
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_width));
  const auto& offsets = pass.rows.offsets;
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
    const std::int64_t first = offsets[d];
    const std::int64_t end = offsets[d + 1];
    const std::int64_t start = std::max(first, first_query);
    const std::int64_t queries = end - start;
    const std::int64_t keys = end - first;
    if (queries <= 0) continue;
    for (std::int64_t head = 0; head < network.heads; ++head) {
      const std::int64_t column = head * head_width;
      const Rows scores = rows_of(buffers.scores, queries, keys);
      float* const place = room(
          buffers.panels, std::max(packed_size(head_width, keys), packed_size(keys, head_width)));
      const auto packed_keys =
          pack({qkv.row(first) + width + column, qkv.stride}, head_width, keys, scale, place);
      multiply({qkv.row(start) + column, qkv.stride}, queries, packed_keys, nullptr, scores, false);
      if (unit.relation != nullptr) {
        add_relation(network, unit, pass.rows, head, first, start, end, scores.data);
      }
      for (std::int64_t i = 0; i < queries; ++i) softmax(scores.row(i), keys, 1.0F);
      if (pass.kept != nullptr) {
        pass.kept->insert(pass.kept->end(), scores.data, scores.data + queries * keys);
      }
      const auto packed_values =
          pack_columns({qkv.row(first) + 2 * width + column, qkv.stride}, keys, head_width, place);
      multiply(constant(scores), queries, packed_values, nullptr,
               {attended.row(start) + column, attended.stride}, false);
    }
  }
}

/// The layers after attention: residuals and the MLP, over rows from first_query on.
void finish_unit(const UnitView& unit, std::int64_t n, std::int64_t first_query, Rows attended,
                 Rows state, Buffers& buffers) {
  const std::int64_t width = unit.fc1.in;
  const std::int64_t count = n - first_query;
  const Rows x = {state.row(first_query), state.stride};
  const Rows z = {attended.row(first_query), attended.stride};
  const bool has_norm = unit.norm1.weight != nullptr;
  add(z.data, count * width, x.data);
  const ConstRows source =
      has_norm ? normalised(unit.norm2, constant(x), count, width, buffers) : constant(z);
  const Rows inner = rows_of(buffers.inner, count, width);
  linear(source, count, unit.fc1, inner, false);
  gelu(inner.data, count * width);
  linear(constant(inner), count, unit.fc2, x, true);
}

/// Lists the rows of each modality.
void find_rows(std::span<const UtteranceView> utterances, std::span<const std::int64_t> offsets,
               Pattern available, std::vector<ModalityRows>& present) {
  for (std::size_t m = 0; m < present.size(); ++m) {
    ModalityRows& rows = present[m];
    rows.rows.clear();
    rows.offsets.assign(1, 0);
    rows.positions.clear();
    rows.speakers.clear();
    for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
      for (std::int64_t i = offsets[d]; i < offsets[d + 1]; ++i) {
        const auto& utterance = utterances[static_cast<std::size_t>(i)];
        if (utterance.features[m] == nullptr || !available.has(static_cast<int>(m))) continue;
        rows.rows.push_back(i);
        rows.positions.push_back(i - offsets[d]);
        rows.speakers.push_back(utterance.speaker);
      }
      rows.offsets.push_back(static_cast<std::int64_t>(rows.rows.size()));
    }
  }
}

}  // namespace

void project_first_unit(const NetworkView& network, const ModalityView& modality, ConstRows x,
                        std::int64_t n, Rows qkv, Buffers& buffers) {
  if (modality.units.empty()) return;
  const UnitView& unit = modality.units.front();
  project(unit, normalised(unit.norm1, x, n, network.hidden, buffers), n, 0, qkv);
}

void run_units(const NetworkView& network, const ModalityView& modality, const StackPass& pass,
               Buffers& buffers) {
  const std::int64_t width = network.hidden;
  const auto n = static_cast<std::int64_t>(pass.rows.rows.size());
  const bool skips_attention =
      pass.kept == nullptr && pass.first_qkv == nullptr && everyone_is_alone(pass.rows);
  const Rows state = rows_of(buffers.state, n, width);
  const Rows attended = rows_of(buffers.attended, n, width);
  for (std::size_t u = 0; u < modality.units.size(); ++u) {
    const UnitView& unit = modality.units[u];
    const std::int64_t first_query = u + 1 == modality.units.size() ? pass.first_query : 0;
    if (skips_attention) {
      linear(normalised(unit.norm1, constant(state), n, width, buffers), n, unit.v, attended,
             false);
    } else if (u == 0 && pass.first_qkv != nullptr) {
      attend(network, unit, pass, {pass.first_qkv, 3 * width}, first_query, buffers, attended);
    } else {
      const Rows qkv = rows_of(buffers.qkv, n, 3 * width);
      project(unit, normalised(unit.norm1, constant(state), n, width, buffers), n, first_query,
              qkv);
      attend(network, unit, pass, constant(qkv), first_query, buffers, attended);
    }
    finish_unit(unit, n, first_query, attended, state, buffers);
  }
  if (modality.norm.weight == nullptr) return;
  for (std::int64_t i = pass.first_query; i < n; ++i) {
    layer_norm(state.row(i), width, modality.norm.weight, modality.norm.bias, state.row(i));
  }
}

void fuse_and_classify(const NetworkView& network, std::int64_t n, Buffers& buffers) {
  const std::int64_t width = network.hidden;
  const std::int64_t stacked = network.stacked();
  const Rows joint = rows_of(buffers.joint, n, stacked);
  const ConstRows source = {buffers.stacked.data(), stacked};
  for (std::int64_t i = 0; i < n; ++i) std::copy_n(network.joint_bias, stacked, joint.row(i));
  for (std::size_t m = 0; m < network.modalities.size(); ++m) {
    const auto& rows = buffers.present[m].rows;
    const auto count = static_cast<std::int64_t>(rows.size());
    const float* block = source.data + static_cast<std::int64_t>(m) * width;
    if (count == n) {
      linear({block, stacked}, n, network.modalities[m].joint, joint, true);
      continue;
    }
    if (count == 0) continue;
    // Only rows with the modality contribute: gather, multiply, scatter.
    const Rows gathered = rows_of(buffers.inner, count, width);
    const Rows part = rows_of(buffers.part, count, stacked);
    for (std::int64_t i = 0; i < count; ++i) {
      std::copy_n(block + rows[static_cast<std::size_t>(i)] * stacked, width, gathered.row(i));
    }
    linear(constant(gathered), count, network.modalities[m].joint, part, false);
    for (std::int64_t i = 0; i < count; ++i) {
      add(part.row(i), stacked, joint.row(rows[static_cast<std::size_t>(i)]));
    }
  }
  relu(joint.data, n * stacked);
  add(source.data, n * stacked, joint.data);
  linear(constant(joint), n, network.classifier, rows_of(buffers.logits, n, network.outputs),
         false);
}

void run_network(const NetworkView& network, std::span<const UtteranceView> utterances,
                 std::span<const std::int64_t> offsets, const PredictOptions& options,
                 Buffers& buffers) {
  const auto n = static_cast<std::int64_t>(utterances.size());
  const std::int64_t width = network.hidden;
  const std::int64_t stacked = network.stacked();
  buffers.present.resize(network.modalities.size());
  const auto modalities = static_cast<std::int64_t>(network.modalities.size());
  buffers.limited.assign(static_cast<std::size_t>(n * modalities), 0);
  find_rows(utterances, offsets, options.available, buffers.present);
  if (options.keeps_attention) buffers.attention.resize(network.modalities.size());
  std::fill_n(room(buffers.stacked, n * stacked), n * stacked, 0.0F);
  for (std::size_t m = 0; m < network.modalities.size(); ++m) {
    const ModalityView& modality = network.modalities[m];
    const ModalityRows& rows = buffers.present[m];
    const auto count = static_cast<std::int64_t>(rows.rows.size());
    if (options.keeps_attention) buffers.attention[m].clear();
    if (count == 0) continue;
    // Rows at a distance of a power of two would share few sets of the first-level cache.
    const Rows input = rows_of(buffers.input, count, modality.embed.in + kInputGap);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto row = static_cast<std::size_t>(rows.rows[static_cast<std::size_t>(i)]);
      buffers.limited[row * network.modalities.size() + m] = standardise(
          utterances[row].features[m], modality.scaling, modality.embed.in, input.row(i));
    }
    transform_input(modality, input, count, buffers);
    const Rows state = rows_of(buffers.state, count, width);
    linear(constant(input), count, modality.embed, state, false);
    run_units(network, modality,
              {rows, 0, nullptr, options.keeps_attention ? &buffers.attention[m] : nullptr},
              buffers);
    for (std::int64_t i = 0; i < count; ++i) {
      std::copy_n(state.row(i), width,
                  buffers.stacked.data() + rows.rows[static_cast<std::size_t>(i)] * stacked +
                      static_cast<std::int64_t>(m) * width);
    }
  }
  fuse_and_classify(network, n, buffers);
}

void reconstruct(const NetworkView& network, std::size_t m, std::int64_t n, Buffers& buffers,
                 std::vector<float>& result) {
  const ModalityView& modality = network.modalities[m];
  const std::int64_t stacked = network.stacked();
  ConstRows source = {buffers.stacked.data(), stacked};
  if (!network.is_linear_decoder) {
    const std::int64_t width = network.decoder_hidden.out;
    const Rows decoded = rows_of(buffers.decoded, n, width);
    linear({buffers.joint.data(), stacked}, n, network.decoder_hidden, decoded, false);
    relu(decoded.data, n * width);
    source = constant(decoded);
  }
  const Rows rebuilt = rows_of(result, n, modality.decoder.out);
  linear(source, n, modality.decoder, rebuilt, false);
  if (modality.reads_tuned()) return;  // it was trained to reconstruct tuned features
  for (std::int64_t i = 0; i < n; ++i) {
    unstandardise(rebuilt.row(i), modality.scaling, modality.decoder.out);
  }
}

}  // namespace hardy::predict
