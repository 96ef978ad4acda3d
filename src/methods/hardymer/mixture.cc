#include "methods/hardymer/mixture.h"

#include <torch/types.h>

#include <algorithm>

namespace hardy {

void draw_partner(const FeatureTable& table, std::int64_t utterance,
                  std::span<const std::int64_t> supports, const MixtureOptions& options,
                  Generator& draws, MixtureDraw& draw) {
  const auto count = static_cast<std::int64_t>(supports.size());
  const double chance = options.rate * static_cast<double>(count) / static_cast<double>(options.k);
  const bool is_mixed = draw_unit(draws) < chance;
  const auto place = draw_index(draws, std::max<std::int64_t>(1, count));
  const auto share = static_cast<float>(options.share * draw_unit(draws));
  std::int64_t partner = is_mixed ? supports[static_cast<std::size_t>(place)] : utterance;
  const Pattern own = table.present[static_cast<std::size_t>(utterance)];
  if ((table.present[static_cast<std::size_t>(partner)] & own) != own) partner = utterance;
  draw.partners.push_back(partner);
  draw.shares.push_back(partner == utterance ? 0.0F : share);
}

Mixture::Mixture(const MixtureDraw& draw, at::Device device)
    : partners_(index_tensor(draw.partners, device)) {
  auto host =
      at::empty({static_cast<std::int64_t>(draw.shares.size())}, at::TensorOptions(at::kFloat));
  std::copy(draw.shares.begin(), draw.shares.end(), host.data_ptr<float>());
  shares_ = host.to(device);
}

at::Tensor Mixture::blend(const FeatureRows& features, const at::Tensor& own,
                          const at::Tensor& rows) const {
  const auto others = features.index_select(0, partners_.index_select(0, rows));
  return at::lerp(own, others, shares_.index_select(0, rows).unsqueeze(1));
}

void Mixture::blend_inputs(const FeatureTable& table, Batch& batch) const {
  for (std::size_t m = 0; m < batch.modalities.size(); ++m) {
    ModalityRows& rows = batch.modalities[m];
    if (rows.count == 0) continue;
    const auto places =
        rows.covers_all() ? at::arange(batch.rows, partners_.options()) : rows.index;
    rows.inputs = blend(table.features[m], rows.inputs, places);
  }
}

}  // namespace hardy
