#include "methods/mmin/fusion.h"

#include <torch/types.h>

namespace hardy {

ModalityEncoders::ModalityEncoders(ParameterSet& parameters, const std::string& name,
                                   const FoldData& data, std::int64_t width, Generator& generator)
    : table_(data.table) {
  for (const auto& modality : data.corpus->modalities) {
    encoders_.emplace_back(parameters, name + "." + modality.name,
                           std::vector<std::int64_t>{modality.width, width, width, width},
                           generator);
  }
}

std::vector<at::Tensor> ModalityEncoders::encode_each(const BatchPlan& plan, double dropout_share,
                                                      DropoutStream& stream) const {
  const auto n = static_cast<std::int64_t>(plan.rows.size());
  std::vector<at::Tensor> encoded;
  for (std::size_t m = 0; m < encoders_.size(); ++m) {
    encoded.push_back(encoders_[m].forward({shown_features(table_, plan, static_cast<int>(m))}, n,
                                           dropout_share, stream));
  }
  return encoded;
}

at::Tensor ModalityEncoders::encode(const BatchPlan& plan, double dropout_share,
                                    DropoutStream& stream) const {
  return at::cat(encode_each(plan, dropout_share, stream), 1);
}

FusionNetwork::FusionNetwork(const FoldData& data, std::int64_t width, double dropout_share,
                             Generator* initial)
    : Network(data.table.features.front().device(), initial),
      dropout_(dropout_share),
      encoders_(parameters_, "encoder", data, width, this->initial()),
      classifier_(parameters_, "classifier",
                  {data.table.modality_count() * width, width, width, data.objective->outputs()},
                  this->initial()) {
  if (initial != nullptr) redraw_normal(parameters_, "", 0, *initial);
}

at::Tensor FusionNetwork::logits(const BatchPlan& plan, DropoutStream& stream) const {
  return classifier_.forward(encoders_.encode(plan, dropout_, stream), dropout_, stream);
}

at::Tensor imagination_loss(const at::Tensor& imagined, const at::Tensor& target) {
  return (imagined - target.detach()).square().mean();
}

}  // namespace hardy
