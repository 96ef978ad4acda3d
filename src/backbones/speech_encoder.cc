// wav2vec 2.0, HuBERT, WavLM: convolutions, then a transformer over the frames.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "backbones/attention.h"
#include "backbones/sound_network.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr float kConvolutionEpsilon = 1e-5F;
/// Outputs of WavLM's gate, summed in two groups of four.
constexpr std::int64_t kGateParts = 8;

/// A layer of the convolutions in front.
struct FrontBlock {
  TimeConvolution convolution;
  std::span<const float> norm_weight;
  std::span<const float> norm_bias;
  bool norms_rows = false;
  bool norms_columns = false;
};

struct SpeechLayer {
  Dense query;
  Dense key;
  Dense value;
  Dense joined;
  RowNorm attention_norm;
  Dense inner;
  Dense output;
  RowNorm final_norm;
  std::span<const float> gate_weight;
  std::span<const float> gate_bias;
  std::span<const float> gate_constant;

  SpeechLayer(const WeightSet& weights, const std::string& at, const TransformerSizes& sizes,
              float epsilon, bool has_gate)
      : query(weights, at + "attention.q_proj", sizes.width, sizes.width),
        key(weights, at + "attention.k_proj", sizes.width, sizes.width),
        value(weights, at + "attention.v_proj", sizes.width, sizes.width),
        joined(weights, at + "attention.out_proj", sizes.width, sizes.width),
        attention_norm(weights, at + "layer_norm", sizes.width, epsilon),
        inner(weights, at + "feed_forward.intermediate_dense", sizes.width, sizes.inner),
        output(weights, at + "feed_forward.output_dense", sizes.inner, sizes.width),
        final_norm(weights, at + "final_layer_norm", sizes.width, epsilon) {
    if (!has_gate) return;
    const std::string gate = at + "attention.gru_rel_pos_linear";
    gate_weight = weights.floats(gate + ".weight", {kGateParts, sizes.head_width()});
    gate_bias = weights.floats(gate + ".bias", {kGateParts});
    gate_constant = weights.floats(at + "attention.gru_rel_pos_const", {1, sizes.heads, 1, 1});
  }
};

/// The row of WavLM's table for a distance, in the arithmetic of the published program.
std::int64_t distance_bucket(std::int64_t distance, std::int64_t buckets, std::int64_t reach) {
  const std::int64_t half = buckets / 2;
  const std::int64_t exact = half / 2;
  const std::int64_t side = distance > 0 ? half : 0;
  const std::int64_t length = std::abs(distance);
  if (length < exact) return side + length;
  const float grown =
      std::log(static_cast<float>(length) / static_cast<float>(exact)) /
      static_cast<float>(std::log(static_cast<double>(reach) / static_cast<double>(exact))) *
      static_cast<float>(half - exact);
  return side + std::min(exact + static_cast<std::int64_t>(grown), half - 1);
}

/// A convolution over time that keeps the number of frames, in groups of channels.
class PlaceConvolution {
 public:
  PlaceConvolution() = default;

  PlaceConvolution(const WeightSet& weights, std::int64_t width, std::int64_t kernel,
                   std::int64_t groups)
      : width_(width), kernel_(kernel), groups_(groups) {
    const std::string at = "encoder.pos_conv_embed.conv.";
    const std::int64_t own = width / groups;
    const std::string newer = at + "parametrizations.weight.original";
    const bool is_new = weights.has(newer + "0");
    const auto length = weights.floats(is_new ? newer + "0" : at + "weight_g", {1, 1, kernel});
    const auto direction =
        weights.floats(is_new ? newer + "1" : at + "weight_v", {width, own, kernel});
    const auto bias = weights.floats(at + "bias", {width});
    const auto k = static_cast<std::size_t>(kernel);
    std::vector<double> squares(k);
    for (std::size_t i = 0; i < direction.size(); ++i) {
      const auto value = static_cast<double>(direction[i]);
      squares[i % k] += value * value;
    }
    std::vector<float> weight(direction.size());
    for (std::size_t i = 0; i < weight.size(); ++i) {
      weight[i] = direction[i] * (length[i % k] / static_cast<float>(std::sqrt(squares[i % k])));
    }
    for (std::int64_t group = 0; group < groups; ++group) {
      const auto size = static_cast<std::size_t>(own * own * kernel);
      parts_.emplace_back(
          std::span(weight).subspan(static_cast<std::size_t>(group) * size, size),
          bias.subspan(static_cast<std::size_t>(group * own), static_cast<std::size_t>(own)), own,
          own, kernel, 1);
    }
  }

  [[nodiscard]] Matrix apply(const Matrix& x) const {
    const std::int64_t own = width_ / groups_;
    const std::int64_t before = kernel_ / 2;
    Matrix y(x.rows, width_);
    for (std::int64_t group = 0; group < groups_; ++group) {
      Matrix padded(x.rows + kernel_ - 1, own);  // an even kernel's last output is dropped
      for (std::int64_t i = 0; i < x.rows; ++i) {
        std::copy_n(x.row(i) + group * own, own, padded.row(i + before));
      }
      const Matrix part = parts_[static_cast<std::size_t>(group)].apply(padded);
      for (std::int64_t i = 0; i < x.rows; ++i)
        std::copy_n(part.row(i), own, y.row(i) + group * own);
    }
    return y;
  }

 private:
  std::int64_t width_ = 0;
  std::int64_t kernel_ = 1;
  std::int64_t groups_ = 1;
  std::vector<TimeConvolution> parts_;
};

}  // namespace

struct SpeechEncoder::Impl {
  Impl(const NetworkSettings& settings, WeightSet given)
      : sizes(TransformerSizes::read(settings)),
        weights(std::move(given)),
        kind(settings.text_or("model_type", "")),
        epsilon(static_cast<float>(settings.real_or("layer_norm_eps", 1e-5))),
        front_activation(
            activation_of(settings.text_or("feat_extract_activation", "gelu"), settings.name())),
        activation(activation_of(settings.text_or("hidden_act", "gelu"), settings.name())),
        is_stable(settings.flag_or("do_stable_layer_norm", false)),
        buckets(settings.integer_or("num_buckets", 320)),
        reach(settings.integer_or("max_bucket_distance", 800)) {
    if (kind != "wav2vec2" && kind != "hubert" && kind != "wavlm") {
      settings.refuse(
          fmt::format("a network of the kind '{}' is not supported; speech is read by "
                      "wav2vec2, hubert and wavlm, anything else as TorchScript",
                      kind));
    }
    if (buckets < 4 || reach <= buckets / 4) settings.refuse("its buckets of distances are wrong");
    weights.keep_below(kind + ".");
    const std::int64_t channels = read_front(settings);
    has_projection_norm = kind != "hubert" || settings.flag_or("feat_proj_layer_norm", true);
    if (has_projection_norm) {
      projection_norm = RowNorm(weights, "feature_projection.layer_norm", channels, epsilon);
    }
    projection = Dense(weights, "feature_projection.projection", channels, sizes.width);
    const std::int64_t kernel = settings.integer_or("num_conv_pos_embeddings", 128);
    const std::int64_t groups = settings.integer_or("num_conv_pos_embedding_groups", 16);
    if (kernel < 1 || groups < 1 || sizes.width % groups != 0) {
      settings.refuse("its convolution of positions has an impossible size");
    }
    places = PlaceConvolution(weights, sizes.width, kernel, groups);
    norm = RowNorm(weights, "encoder.layer_norm", sizes.width, epsilon);
    for (std::int64_t n = 0; n < sizes.layers; ++n) {
      layers.emplace_back(weights, fmt::format("encoder.layers.{}.", n), sizes, epsilon,
                          kind == "wavlm");
    }
    if (kind == "wavlm") {
      distances = weights.floats("encoder.layers.0.attention.rel_attn_embed.weight",
                                 {buckets, sizes.heads});
    }
  }

  std::int64_t read_front(const NetworkSettings& settings) {
    const auto channels = settings.integers_or("conv_dim", {512, 512, 512, 512, 512, 512, 512});
    const auto kernels = settings.integers_or("conv_kernel", {10, 3, 3, 3, 3, 2, 2});
    const auto strides = settings.integers_or("conv_stride", {5, 2, 2, 2, 2, 2, 2});
    const auto norms = settings.text_or("feat_extract_norm", "group");
    const bool is_possible = channels.size() == kernels.size() &&
                             channels.size() == strides.size() && !channels.empty() &&
                             (norms == "group" || norms == "layer");
    if (!is_possible) settings.refuse("its convolutions are described in an unknown way");
    std::int64_t in = 1;
    for (std::size_t n = 0; n < channels.size(); ++n) {
      const std::int64_t out = channels[n];
      if (out < 1 || kernels[n] < 1 || strides[n] < 1)
        settings.refuse("a convolution without size");
      const auto at = fmt::format("feature_extractor.conv_layers.{}.", n);
      FrontBlock block;
      std::span<const float> bias;
      if (settings.flag_or("conv_bias", false)) bias = weights.floats(at + "conv.bias", {out});
      block.convolution = TimeConvolution(weights.floats(at + "conv.weight", {out, in, kernels[n]}),
                                          bias, out, in, kernels[n], strides[n]);
      block.norms_rows = norms == "layer";
      block.norms_columns = norms == "group" && n == 0;
      if (block.norms_rows || block.norms_columns) {
        block.norm_weight = weights.floats(at + "layer_norm.weight", {out});
        block.norm_bias = weights.floats(at + "layer_norm.bias", {out});
        if (block.norms_rows)
          row_norms.emplace_back(weights, at + "layer_norm", out, kConvolutionEpsilon);
      }
      front.push_back(std::move(block));
      in = out;
    }
    return in;
  }

  [[nodiscard]] Matrix extract(std::span<const float> samples) const {
    Matrix x(static_cast<std::int64_t>(samples.size()), 1);
    std::copy(samples.begin(), samples.end(), x.values.begin());
    for (std::size_t n = 0; n < front.size(); ++n) {
      x = front[n].convolution.apply(x);
      if (x.rows == 0) {
        throw DataError(
            fmt::format("its sound of {} samples is too short for a frame of the speech "
                        "network",
                        samples.size()));
      }
      if (front[n].norms_columns) {
        normalise_columns(x, front[n].norm_weight, front[n].norm_bias, kConvolutionEpsilon);
      }
      if (front[n].norms_rows) row_norms[n].apply(x);
      activate(front_activation, x);
    }
    return x;
  }

  [[nodiscard]] std::vector<Matrix> run(std::span<const float> samples) const {
    Matrix x = extract(samples);
    if (has_projection_norm) projection_norm.apply(x);
    x = projection.apply(x);
    Matrix placed = places.apply(x);
    activate(front_activation, placed);
    add_to(x, placed);
    if (!is_stable) norm.apply(x);
    std::vector<Matrix> states;
    states.push_back(std::move(x));
    const Matrix bias = kind == "wavlm" ? distance_bias(states[0].rows) : Matrix();
    for (const SpeechLayer& layer : layers) states.push_back(run_layer(layer, states.back(), bias));
    if (is_stable) norm.apply(states.back());
    return states;
  }

  [[nodiscard]] Matrix run_layer(const SpeechLayer& layer, const Matrix& before,
                                 const Matrix& bias) const {
    Matrix x = before;
    if (is_stable) {
      Matrix y = before;
      layer.attention_norm.apply(y);
      add_to(x, attend_over(layer, y, bias));
      Matrix z = x;
      layer.final_norm.apply(z);
      add_to(x, feed(layer, z));
      return x;
    }
    add_to(x, attend_over(layer, before, bias));
    layer.attention_norm.apply(x);
    add_to(x, feed(layer, x));
    layer.final_norm.apply(x);
    return x;
  }

  [[nodiscard]] Matrix feed(const SpeechLayer& layer, const Matrix& x) const {
    Matrix inner = layer.inner.apply(x);
    activate(activation, inner);
    return layer.output.apply(inner);
  }

  [[nodiscard]] Matrix attend_over(const SpeechLayer& layer, const Matrix& x,
                                   const Matrix& bias) const {
    const Matrix q = layer.query.apply(x);
    const Matrix k = layer.key.apply(x);
    const Matrix v = layer.value.apply(x);
    AttentionInput input;
    input.query = {q.values.data(), sizes.width};
    input.key = {k.values.data(), sizes.width};
    input.value = {v.values.data(), sizes.width};
    input.head_stride = sizes.head_width();
    input.head_width = sizes.head_width();
    input.heads = sizes.heads;
    input.tokens = x.rows;
    input.scale = 1 / std::sqrt(static_cast<float>(sizes.head_width()));
    const ScoreChange add_bias = [&](Matrix& scores) {
      if (bias.rows > 0) add_gated(layer, x, bias, scores);
    };
    return layer.joined.apply(attend(input, {}, false, add_bias));
  }

  /// Shapes: -> [heads, 2 * frames - 1], by key minus query, the least first.
  [[nodiscard]] Matrix distance_bias(std::int64_t frames) const {
    Matrix bias(sizes.heads, 2 * frames - 1);
    for (std::int64_t head = 0; head < sizes.heads; ++head) {
      for (std::int64_t at = 0; at < bias.width; ++at) {
        const std::int64_t row = distance_bucket(at - (frames - 1), buckets, reach);
        bias.row(head)[at] = distances[static_cast<std::size_t>(row * sizes.heads + head)];
      }
    }
    return bias;
  }

  void add_gated(const SpeechLayer& layer, const Matrix& x, const Matrix& bias,
                 Matrix& scores) const {
    const std::int64_t frames = x.rows;
    const auto logistic_of = [](float value) { return 1 / (1 + std::exp(-value)); };
    for (std::int64_t head = 0; head < sizes.heads; ++head) {
      Matrix parts(frames, kGateParts);
      multiply_transposed(frames, kGateParts, sizes.head_width(),
                          {x.values.data() + head * sizes.head_width(), sizes.width},
                          {layer.gate_weight.data(), sizes.head_width()}, parts.values.data(),
                          kGateParts);
      for (std::int64_t i = 0; i < frames; ++i) {
        float sums[2] = {};
        for (std::size_t p = 0; p < static_cast<std::size_t>(kGateParts); ++p) {
          sums[p / 4] += parts.row(i)[p] + layer.gate_bias[p];
        }
        const float constant = layer.gate_constant[static_cast<std::size_t>(head)];
        const float gate = logistic_of(sums[0]) * (logistic_of(sums[1]) * constant - 1) + 2;
        float* row = scores.row(head * frames + i);
        const float* by_distance = bias.row(head) + (frames - 1 - i);
        for (std::int64_t j = 0; j < frames; ++j) row[j] += gate * by_distance[j];
      }
    }
  }

  TransformerSizes sizes;
  WeightSet weights;
  std::string kind;
  float epsilon;
  Activation front_activation;
  Activation activation;
  bool is_stable;
  std::int64_t buckets;
  std::int64_t reach;
  bool has_projection_norm = true;
  std::vector<FrontBlock> front;
  std::vector<RowNorm> row_norms;
  RowNorm projection_norm;
  Dense projection;
  PlaceConvolution places;
  RowNorm norm;
  std::vector<SpeechLayer> layers;
  std::span<const float> distances;
};

SpeechEncoder::SpeechEncoder(const NetworkSettings& settings, WeightSet weights)
    : impl_(std::make_unique<Impl>(settings, std::move(weights))) {}

SpeechEncoder::~SpeechEncoder() = default;
SpeechEncoder::SpeechEncoder(SpeechEncoder&&) noexcept = default;
SpeechEncoder& SpeechEncoder::operator=(SpeechEncoder&&) noexcept = default;

std::vector<Matrix> SpeechEncoder::hidden_states(std::span<const float> samples) const {
  return impl_->run(samples);
}

std::int64_t SpeechEncoder::width() const { return impl_->sizes.width; }

std::size_t SpeechEncoder::layers() const { return impl_->layers.size(); }

Matrix summed_frames(const SpeechEncoder& network, std::span<const float> samples, StateRange range,
                     std::size_t piece) {
  if (piece == 0 || samples.size() <= piece) {
    return sum_of(network.hidden_states(samples), range);
  }
  Matrix all;
  all.width = network.width();
  for (std::size_t first = 0; first < samples.size(); first += piece) {
    const auto part = samples.subspan(first, std::min(piece, samples.size() - first));
    std::vector<float> filled(part.begin(), part.end());
    filled.resize(piece);
    const Matrix sum = sum_of(network.hidden_states(filled), range);
    all.values.insert(all.values.end(), sum.values.begin(), sum.values.end());
    all.rows += sum.rows;
  }
  return all;
}

std::vector<float> normalised_samples(std::span<const float> samples) {
  const auto n = static_cast<double>(samples.size());
  double mean = 0;
  for (const float sample : samples) mean += static_cast<double>(sample);
  mean /= n;
  double squares = 0;
  for (const float sample : samples) {
    const double difference = static_cast<double>(sample) - mean;
    squares += difference * difference;
  }
  const double scale = 1 / std::sqrt(squares / n + 1e-7);
  std::vector<float> normalised;
  normalised.reserve(samples.size());
  for (const float sample : samples) {
    normalised.push_back(static_cast<float>((static_cast<double>(sample) - mean) * scale));
  }
  return normalised;
}

}  // namespace hardy
