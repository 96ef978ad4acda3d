// Predictions of `tiny` from a stored model, without libtorch: what predict, explain and serve run.
#include <memory>
#include <vector>

#include "inference/method_network.h"

namespace hardy {
namespace {

class TinyForward final : public predict::MethodNetwork {
 public:
  TinyForward(const TensorFileView& file, const BundleInfo& info)
      : scalings_(file, info), outputs_(info.outputs()) {
    for (const auto& [name, width] : info.modalities) layers_.emplace_back(file, "model." + name);
  }

  void run(const predict::DialogueRows& rows, predict::Buffers& buffers) const override {
    const auto n = rows.count();
    const predict::Rows logits = {predict::room(buffers.logits, n * outputs_), outputs_};
    for (std::size_t m = 0; m < layers_.size(); ++m) {
      // Rows that do not show the modality are zero, as in training.
      predict::Matrix x(n, scalings_.width(m));
      scalings_.fill(rows, m, x.all(), buffers);
      layers_[m].run(x.constant(), n, logits, m > 0);
    }
  }

 private:
  predict::Scalings scalings_;
  std::int64_t outputs_;
  std::vector<predict::Dense> layers_;
};

}  // namespace

void add_tiny_network() {
  predict::add_network("tiny", [](const TensorFileView& file, const BundleInfo& info) {
    return std::unique_ptr<const predict::MethodNetwork>(std::make_unique<TinyForward>(file, info));
  });
}

}  // namespace hardy
