#include "methods/hardymer/hardness_module.h"

#include <torch/types.h>

#include <algorithm>

namespace hardy {
namespace {

/// Rows of one modality that another modality has too.
struct Overlap {
  std::vector<std::int64_t> rows;    ///< batch rows
  std::vector<std::int64_t> places;  ///< their indices among the modality's own rows
};

std::vector<std::int64_t> batch_rows_of(const ModalityRows& modality) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(modality.count));
  if (modality.covers_all()) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
    return rows;
  }
  const auto host = modality.index.to(at::kCPU);
  std::copy_n(host.data_ptr<std::int64_t>(), rows.size(), rows.begin());
  return rows;
}

Overlap overlap_of(const std::vector<std::int64_t>& own, const std::vector<std::int64_t>& other) {
  Overlap overlap;
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (!std::binary_search(other.begin(), other.end(), own[i])) continue;
    overlap.rows.push_back(own[i]);
    overlap.places.push_back(static_cast<std::int64_t>(i));
  }
  return overlap;
}

/// The segments that remain when only some rows of a modality are kept.
Segments keep_rows(const Segments& segments, const std::vector<std::int64_t>& places) {
  Segments kept;
  kept.offsets = {0};
  std::size_t next = 0;
  for (std::size_t s = 0; s + 1 < segments.offsets.size(); ++s) {
    while (next < places.size() && places[next] < segments.offsets[s + 1]) ++next;
    kept.offsets.push_back(static_cast<std::int64_t>(next));
  }
  return kept;
}

}  // namespace

HardnessModule::HardnessModule(const BackboneOptions& options, ParameterSet& parameters,
                               Generator& generator)
    : backbone_(options, parameters, generator) {
  const auto& names = options.modality_names;
  for (std::size_t x = 0; x < names.size(); ++x) {
    for (std::size_t y = x + 1; y < names.size(); ++y) {
      pairs_.emplace_back(static_cast<int>(x), static_cast<int>(y));
      const std::string pair = names[x] + "." + names[y];
      const std::string reverse = names[y] + "." + names[x];
      forward_.emplace_back(parameters, "cross." + pair, options.encoder, generator,
                            options.drops_cross_attention);
      backward_.emplace_back(parameters, "cross." + reverse, options.encoder, generator,
                             options.drops_cross_attention);
    }
  }
}

at::Tensor HardnessModule::information(std::size_t pair, const at::Tensor& x, const at::Tensor& y,
                                       const Segments& queries, const Segments& keys,
                                       DropoutStream& dropout_stream) const {
  return information_with_keys(pair, {x, x}, {y, y}, queries, keys, dropout_stream);
}

at::Tensor HardnessModule::information_with_keys(std::size_t pair, const Side& x, const Side& y,
                                                 const Segments& queries, const Segments& keys,
                                                 DropoutStream& dropout_stream) const {
  const auto joint = forward_[pair].forward(x.queries, y.keys, queries, keys, dropout_stream) +
                     backward_[pair].forward(y.queries, x.keys, queries, keys, dropout_stream);
  return softmax_entropy(x.queries) + softmax_entropy(y.queries) - softmax_entropy(joint);
}

std::vector<PairInformation> HardnessModule::pair_information(const Batch& batch,
                                                              const Encoded& encoded,
                                                              DropoutStream& dropout_stream) const {
  std::vector<PairInformation> result;
  for (std::size_t pair = 0; pair < pairs_.size(); ++pair) {
    const auto [first, second] = pairs_[pair];
    const ModalityRows& x = batch.modalities[static_cast<std::size_t>(first)];
    const ModalityRows& y = batch.modalities[static_cast<std::size_t>(second)];
    if (x.count == 0 || y.count == 0) continue;
    auto zx = encoded.z[static_cast<std::size_t>(first)];
    auto zy = encoded.z[static_cast<std::size_t>(second)];
    PairInformation info{first, second, {}, {}};
    Segments segments = x.segments;
    if (!x.covers_all() || !y.covers_all()) {
      const auto rows_x = batch_rows_of(x);
      const auto rows_y = batch_rows_of(y);
      const Overlap from_x = overlap_of(rows_x, rows_y);
      const Overlap from_y = overlap_of(rows_y, rows_x);
      if (from_x.rows.empty()) continue;
      zx = zx.index_select(0, index_tensor(from_x.places, zx.device()));
      zy = zy.index_select(0, index_tensor(from_y.places, zy.device()));
      segments = keep_rows(x.segments, from_x.places);
      info.rows = from_x.rows;
    }
    info.information = information(pair, zx, zy, segments, segments, dropout_stream);
    result.push_back(std::move(info));
  }
  return result;
}

}  // namespace hardy
