#include "backbones/manet.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "backbones/layers.h"
#include "backbones/picture_layers.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::int64_t kQuarters = 4;
constexpr std::int64_t kQuarterSide = 14;

float logistic_of(float value) { return 1 / (1 + std::exp(-value)); }

/// First and last part of every block.
struct Shortcut {
  NormedConvolution convolution;
  bool exists = false;

  Shortcut() = default;

  Shortcut(const WeightSet& weights, const std::string& at, std::int64_t stride)
      : exists(weights.has(at + "downsample.0.weight")) {
    if (exists) {
      convolution = NormedConvolution(weights, at + "downsample.0", at + "downsample.1", stride);
    }
  }

  /// relu(y + x).
  [[nodiscard]] FeaturePictures join(FeaturePictures y, const FeaturePictures& x) const {
    add_pictures(y, exists ? convolution.apply(x) : x);
    relu_pictures(y);
    return y;
  }
};

/// Weights for channels, then for positions (Woo et al., 2018).
class Gates {
 public:
  Gates(const WeightSet& weights, const std::string& at, std::int64_t channels)
      : channels_(channels) {
    const std::string mlp = at + "cbam.ChannelGate.mlp.";
    const auto& shape = weights.shape(mlp + "1.weight");
    const std::int64_t inner = shape.empty() ? 0 : shape[0];
    narrow_ = Dense(weights, mlp + "1", channels, inner);
    widen_ = Dense(weights, mlp + "3", inner, channels);
    const std::string spatial = at + "cbam.SpatialGate.spatial.";
    places_ = NormedConvolution(weights, spatial + "conv", spatial + "bn", 1);
  }

  void apply(FeaturePictures& x) const {
    gate_channels(x);
    gate_places(x);
  }

 private:
  void gate_channels(FeaturePictures& x) const {
    // Means and maxima pass the same layers, stacked.
    Matrix pooled(2 * x.count, channels_);
    const auto means = mean_over_places(x);
    std::copy(means.begin(), means.end(), pooled.values.begin());
    for (std::int64_t n = 0; n < x.count; ++n) {
      float* most = pooled.row(x.count + n);
      std::copy_n(x.picture(n), channels_, most);
      for (std::int64_t i = 1; i < x.places(); ++i) {
        const float* from = x.picture(n) + i * channels_;
        for (std::int64_t c = 0; c < channels_; ++c) most[c] = std::max(most[c], from[c]);
      }
    }
    Matrix inner = narrow_.apply(pooled);
    activate(Activation::kRelu, inner);
    const Matrix scores = widen_.apply(inner);
    std::vector<float> gate(static_cast<std::size_t>(channels_));
    for (std::int64_t n = 0; n < x.count; ++n) {
      for (std::size_t c = 0; c < gate.size(); ++c) {
        gate[c] = logistic_of(scores.row(n)[c] + scores.row(x.count + n)[c]);
      }
      for (std::int64_t i = 0; i < x.places(); ++i) {
        float* to = x.picture(n) + i * channels_;
        for (std::size_t c = 0; c < gate.size(); ++c) to[c] *= gate[c];
      }
    }
  }

  void gate_places(FeaturePictures& x) const {
    FeaturePictures pooled(x.count, x.height, x.width, 2);
    for (std::int64_t i = 0; i < x.count * x.places(); ++i) {
      const float* from = x.values.data() + i * channels_;
      double sum = 0;
      for (std::int64_t c = 0; c < channels_; ++c) sum += static_cast<double>(from[c]);
      float* to = pooled.values.data() + i * 2;
      to[0] = *std::max_element(from, from + channels_);
      to[1] = static_cast<float>(sum / static_cast<double>(channels_));
    }
    const FeaturePictures scores = places_.apply(pooled);
    for (std::int64_t i = 0; i < x.count * x.places(); ++i) {
      const float gate = logistic_of(scores.values[static_cast<std::size_t>(i)]);
      float* to = x.values.data() + i * channels_;
      for (std::int64_t c = 0; c < channels_; ++c) to[c] *= gate;
    }
  }

  std::int64_t channels_;
  Dense narrow_;
  Dense widen_;
  NormedConvolution places_;
};

/// Two convolutions, with gates in the local branch.
class FaceBlock {
 public:
  FaceBlock(const WeightSet& weights, const std::string& at, std::int64_t stride, bool has_gates)
      : first_(weights, at + "conv1", at + "bn1", stride),
        second_(weights, at + "conv2", at + "bn2", 1),
        shortcut_(weights, at, stride) {
    if (has_gates) gates_.emplace_back(weights, at, second_.out());
  }

  [[nodiscard]] FeaturePictures apply(const FeaturePictures& x) const {
    FeaturePictures y = first_.apply(x);
    relu_pictures(y);
    y = second_.apply(y);
    for (const Gates& gates : gates_) gates.apply(y);
    return shortcut_.join(std::move(y), x);
  }

 private:
  NormedConvolution first_;
  NormedConvolution second_;
  Shortcut shortcut_;
  std::vector<Gates> gates_;  // one or none
};

/// Quarters of the channels, each with the preceding quarter's output as input; two such chains.
class ScaleBlock {
 public:
  ScaleBlock(const WeightSet& weights, const std::string& at, std::int64_t stride, ManetOrder order)
      : first_(weights, at + "conv1", at + "bn1", stride),
        shortcut_(weights, at, stride),
        order_(order) {
    if (first_.out() % kQuarters != 0) {
      throw ArtifactError(
          fmt::format("{}: '{}' has channels that are no multiple of four", weights.name(), at));
    }
    for (std::size_t chain = 0; chain < chains_.size(); ++chain) {
      for (std::int64_t i = 0; i < kQuarters; ++i) {
        const auto number = fmt::format("{}_2_{}", chain + 1, i + 1);
        chains_[chain].emplace_back(weights, at + "conv" + number, at + "bn" + number, 1);
      }
    }
  }

  [[nodiscard]] FeaturePictures apply(const FeaturePictures& x) const {
    FeaturePictures y = first_.apply(x);
    relu_pictures(y);
    FeaturePictures sum(y.count, y.height, y.width, y.channels);
    for (std::size_t chain = 0; chain < chains_.size(); ++chain) add_chain(y, chain, sum);
    return shortcut_.join(std::move(sum), x);
  }

 private:
  void add_chain(const FeaturePictures& y, std::size_t chain, FeaturePictures& sum) const {
    const bool runs_back = chain == 1 && order_ == ManetOrder::kSince2023;
    const std::int64_t width = y.channels / kQuarters;
    FeaturePictures before;
    for (std::int64_t step = 0; step < kQuarters; ++step) {
      const std::int64_t i = runs_back ? kQuarters - 1 - step : step;
      FeaturePictures input = some_channels(y, i * width, width);
      if (step > 0) {
        relu_pictures(before);
        add_pictures(input, before);
      }
      before = chains_[chain][static_cast<std::size_t>(i)].apply(input);
      for (std::int64_t place = 0; place < y.count * y.places(); ++place) {
        float* to = sum.values.data() + place * y.channels + i * width;
        const float* from = before.values.data() + place * width;
        for (std::int64_t c = 0; c < width; ++c) to[c] += from[c];
      }
    }
  }

  NormedConvolution first_;
  Shortcut shortcut_;
  std::array<std::vector<NormedConvolution>, 2> chains_;
  ManetOrder order_;
};

template <typename Block>
FeaturePictures run_blocks(const std::vector<Block>& blocks, FeaturePictures x) {
  for (const Block& block : blocks) x = block.apply(x);
  return x;
}

std::vector<FaceBlock> face_blocks(const WeightSet& weights, const std::string& name,
                                   std::int64_t stride, bool has_gates) {
  std::vector<FaceBlock> blocks;
  blocks.emplace_back(weights, name + ".0.", stride, has_gates);
  blocks.emplace_back(weights, name + ".1.", 1, has_gates);
  return blocks;
}

}  // namespace

struct Manet::Impl {
  Impl(WeightSet given, ManetOrder order) : weights(std::move(given)) {
    weights.keep_below("module.");
    stem = NormedConvolution(weights, "conv1", "bn1", 2);
    early = face_blocks(weights, "layer1", 1, false);
    for (auto& block : face_blocks(weights, "layer2", 2, false)) early.push_back(std::move(block));
    for (std::int64_t i = 1; i <= kQuarters; ++i) {
      auto& blocks =
          local.emplace_back(face_blocks(weights, fmt::format("layer3_1_p{}", i), 2, true));
      for (auto& block : face_blocks(weights, fmt::format("layer4_1_p{}", i), 1, true)) {
        blocks.push_back(std::move(block));
      }
    }
    for (const char* name : {"layer3_2", "layer4_2"}) {
      scales.emplace_back(weights, fmt::format("{}.0.", name), 2, order);
      scales.emplace_back(weights, fmt::format("{}.1.", name), 1, order);
    }
    local_width = weights.shape("layer4_1_p1.1.conv2.weight")[0];
    scale_width = weights.shape("layer4_2.1.conv1.weight")[0];
  }

  WeightSet weights;
  NormedConvolution stem;
  std::vector<FaceBlock> early;
  std::vector<std::vector<FaceBlock>> local;  ///< by quarter of the picture
  std::vector<ScaleBlock> scales;
  std::int64_t local_width = 0;
  std::int64_t scale_width = 0;
};

Manet::Manet(WeightSet weights, ManetOrder order)
    : impl_(std::make_unique<Impl>(std::move(weights), order)) {}

Manet::~Manet() = default;
Manet::Manet(Manet&&) noexcept = default;
Manet& Manet::operator=(Manet&&) noexcept = default;

std::int64_t Manet::width() const { return impl_->local_width + impl_->scale_width; }

std::vector<float> Manet::embed(std::span<const std::vector<std::uint8_t>> faces) const {
  FeaturePictures x(static_cast<std::int64_t>(faces.size()), kManetSide, kManetSide, 3);
  auto to = x.values.begin();
  for (const auto& face : faces) {
    check(face.size() == static_cast<std::size_t>(kManetSide * kManetSide * 3),
          "a face of another size than MA-Net's");
    to = std::transform(face.begin(), face.end(), to,
                        [](std::uint8_t value) { return static_cast<float>(value) / 255.0F; });
  }
  x = impl_->stem.apply(x);
  relu_pictures(x);
  x = run_blocks(impl_->early, pool_largest(x));
  const auto width = static_cast<std::size_t>(this->width());
  std::vector<float> embedded(faces.size() * width);
  for (std::int64_t quarter = 0; quarter < kQuarters; ++quarter) {
    const auto part =
        crop(x, quarter / 2 * kQuarterSide, quarter % 2 * kQuarterSide, kQuarterSide, kQuarterSide);
    const auto means =
        mean_over_places(run_blocks(impl_->local[static_cast<std::size_t>(quarter)], part));
    const auto local_width = static_cast<std::size_t>(impl_->local_width);
    for (std::size_t i = 0; i < means.size(); ++i) {
      embedded[i / local_width * width + i % local_width] += means[i] / kQuarters;
    }
  }
  const auto means = mean_over_places(run_blocks(impl_->scales, std::move(x)));
  const auto scale_width = static_cast<std::size_t>(impl_->scale_width);
  for (std::size_t i = 0; i < means.size(); ++i) {
    embedded[(i / scale_width + 1) * width - scale_width + i % scale_width] = means[i];
  }
  return embedded;
}

}  // namespace hardy
