// wav2vec of 2019: convolutions with group norms over a whole utterance.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "backbones/sound_network.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr float kNormEpsilon = 1e-5F;
constexpr std::size_t kMostConvolutions = 200;

/// Reads a list of triples of whole numbers, joined by + and repeated by *.
class ConvolutionText {
 public:
  ConvolutionText(const std::string& text, const std::string& file) : text_(text), file_(file) {}

  std::vector<ConvolutionShape> read() {
    std::vector<ConvolutionShape> all;
    do {
      const auto list = read_list();
      const std::int64_t times = take('*') ? read_integer() : 1;
      for (std::int64_t i = 0; i < times; ++i) {
        all.insert(all.end(), list.begin(), list.end());
        if (all.size() > kMostConvolutions) refuse();
      }
    } while (take('+'));
    skip_blanks();
    if (at_ != text_.size() || all.empty()) refuse();
    return all;
  }

 private:
  [[noreturn]] void refuse() const {
    throw ArtifactError(
        fmt::format("{}: '{}' is no list of convolutions", file_, text_.substr(0, 200)));
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  bool take(char wanted) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void need(char wanted) {
    if (!take(wanted)) refuse();
  }

  std::int64_t read_integer() {
    skip_blanks();
    std::int64_t value = 0;
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - start < 6) {
      value = value * 10 + (text_[at_++] - '0');
    }
    if (at_ == start || value < 1) refuse();
    return value;
  }

  std::vector<ConvolutionShape> read_list() {
    std::vector<ConvolutionShape> list;
    need('[');
    while (!take(']')) {
      need('(');
      ConvolutionShape shape;
      shape.channels = read_integer();
      need(',');
      shape.kernel = read_integer();
      need(',');
      shape.stride = read_integer();
      take(',');
      need(')');
      list.push_back(shape);
      if (!take(',')) {
        need(']');
        break;
      }
    }
    return list;
  }

  const std::string& text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

/// Frames from `first` on, shifted by copies of the first frame or by zeros.
Matrix padded_in_front(const Matrix& x, std::int64_t count, bool is_zero) {
  Matrix y(x.rows + count, x.width);
  for (std::int64_t i = 0; i < count && !is_zero; ++i) std::copy_n(x.row(0), x.width, y.row(i));
  std::copy(x.values.begin(), x.values.end(), y.row(count));
  return y;
}

}  // namespace

std::vector<ConvolutionShape> parse_convolutions(const std::string& text, const std::string& file) {
  return ConvolutionText(text, file).read();
}

struct Wav2vec::Impl {
  struct Block {
    TimeConvolution convolution;
    std::span<const float> norm_weight;
    std::span<const float> norm_bias;
    TimeConvolution shortcut;
    bool has_shortcut = false;
  };

  explicit Impl(WeightSet given)
      : weights(std::move(given)),
        settings(weights.arguments(), weights.name()),
        activation(activation_of(settings.text_or("activation", "relu"), weights.name())),
        residual(std::sqrt(static_cast<float>(settings.real_or("residual_scale", 0.5)))),
        has_log(settings.flag_or("log_compression", false)),
        skips_features(settings.flag_or("skip_connections_feat", false)),
        skips_context(settings.flag_or("skip_connections_agg", false)),
        pads_zeros(settings.flag_or("agg_zero_pad", false)),
        is_affine(!settings.flag_or("non_affine_group_norm", false)),
        is_recurrent(settings.text_or("aggregator", "cnn") == "gru") {
    const auto quantised = settings.text_or("vq_type", "none");
    if (quantised != "none")
      settings.refuse(
          fmt::format("vq_type '{}': quantised networks "
                      "(vq-wav2vec) are not supported",
                      quantised));
    read_features();
    if (is_recurrent) {
      read_recurrence();
    } else {
      read_context();
    }
  }

  void read_features() {
    const auto shapes =
        parse_convolutions(settings.text_or("conv_feature_layers",
                                            "[(512, 10, 5)] + [(512, 8, 4)] + [(512, 4, 2)] * 3"),
                           weights.name());
    std::int64_t in = 1;
    for (std::size_t n = 0; n < shapes.size(); ++n) {
      const auto at = fmt::format("feature_extractor.conv_layers.{}.", n);
      const auto& [out, kernel, stride] = shapes[n];
      Block block;
      block.convolution = TimeConvolution(weights.floats(at + "0.weight", {out, in, kernel}), {},
                                          out, in, kernel, stride);
      weights.forget(at + "0.weight");
      read_norm(block, at + "2.", out);
      features.push_back(std::move(block));
      in = out;
    }
    encoder_width = in;
  }

  void read_context() {
    const auto shapes = parse_convolutions(
        settings.text_or("conv_aggregator_layers", "[(512, 3, 1)] * 9"), weights.name());
    std::int64_t in = encoder_width;
    for (std::size_t n = 0; n < shapes.size(); ++n) {
      const auto at = fmt::format("feature_aggregator.conv_layers.{}.", n);
      const auto& [out, kernel, stride] = shapes[n];
      if (stride != 1) settings.refuse("a context layer has a stride other than 1");
      Block block;
      std::span<const float> bias;
      if (!settings.flag_or("no_conv_bias", false)) bias = weights.floats(at + "1.bias", {out});
      block.convolution = TimeConvolution(weights.floats(at + "1.weight", {out, in, kernel}), bias,
                                          out, in, kernel, 1);
      weights.forget(at + "1.weight");
      read_norm(block, at + "3.", out);
      const auto shortcut = fmt::format("feature_aggregator.residual_proj.{}.weight", n);
      block.has_shortcut = in != out && skips_context;
      if (block.has_shortcut) {
        block.shortcut = TimeConvolution(weights.floats(shortcut, {out, in, 1}), {}, out, in, 1, 1);
      }
      context.push_back(std::move(block));
      in = out;
    }
    context_width = in;
  }

  void read_norm(Block& block, const std::string& at, std::int64_t width) const {
    if (!is_affine) return;
    block.norm_weight = weights.floats(at + "weight", {width});
    block.norm_bias = weights.floats(at + "bias", {width});
  }

  void read_recurrence() {
    context_width = settings.integer_or("gru_dim", 512);
    const std::string at = "feature_aggregator.1.";
    const std::int64_t gates = 3 * context_width;
    input_weight = weights.floats(at + "weight_ih_l0", {gates, encoder_width});
    input_bias = weights.floats(at + "bias_ih_l0", {gates});
    state_bias = weights.floats(at + "bias_hh_l0", {gates});
  }

  void finish(Matrix& y, const Block& block) const {
    normalise_all(y, block.norm_weight, block.norm_bias, kNormEpsilon);
    activate(activation, y);
  }

  void scale_sum(Matrix& y) const {
    for (float& value : y.values) value *= residual;
  }

  [[nodiscard]] Matrix encode(std::span<const float> samples) const {
    Matrix x(static_cast<std::int64_t>(samples.size()), 1);
    std::copy(samples.begin(), samples.end(), x.values.begin());
    for (const Block& block : features) {
      Matrix y = block.convolution.apply(x);
      if (y.rows == 0) {
        throw DataError(
            fmt::format("its sound of {} samples is too short for a frame of the speech "
                        "network",
                        samples.size()));
      }
      finish(y, block);
      if (skips_features && y.width == x.width) add_thinned(y, x);
      x = std::move(y);
    }
    if (has_log) {
      for (float& value : x.values) value = std::log(std::abs(value) + 1);
    }
    return x;
  }

  /// Adds every r-th frame of the preceding layer.
  void add_thinned(Matrix& y, const Matrix& x) const {
    const std::int64_t step = x.rows / y.rows;
    for (std::int64_t i = 0; i < y.rows; ++i) {
      for (std::int64_t j = 0; j < y.width; ++j) y.row(i)[j] += x.row(i * step)[j];
    }
    scale_sum(y);
  }

  [[nodiscard]] Matrix aggregate(const Matrix& encoded) const {
    if (is_recurrent) return recur(encoded);
    Matrix x = encoded;
    for (const Block& block : context) {
      Matrix y =
          block.convolution.apply(padded_in_front(x, block.convolution.kernel() - 1, pads_zeros));
      finish(y, block);
      if (skips_context) {
        add_to(y, block.has_shortcut ? block.shortcut.apply(x) : x);
        scale_sum(y);
      }
      x = std::move(y);
    }
    return x;
  }

  /// The published program passes a file's frames to the recurrence as separate sequences of length
  /// one: each starts from a zero state, whose product is zero.
  [[nodiscard]] Matrix recur(const Matrix& x) const {
    Matrix gates(x.rows, 3 * context_width);
    multiply_transposed(x.rows, gates.width, x.width, {x.values.data(), x.width},
                        {input_weight.data(), x.width}, gates.values.data(), gates.width);
    Matrix y(x.rows, context_width);
    const auto logistic_of = [](float value) { return 1 / (1 + std::exp(-value)); };
    const auto width = static_cast<std::size_t>(context_width);
    for (std::int64_t i = 0; i < x.rows; ++i) {
      const float* gate = gates.row(i);
      for (std::size_t j = 0; j < width; ++j) {
        const auto update = width + j;
        const auto fresh = 2 * width + j;
        const float r = logistic_of(gate[j] + input_bias[j] + state_bias[j]);
        const float z = logistic_of(gate[update] + input_bias[update] + state_bias[update]);
        const float n = std::tanh(gate[fresh] + input_bias[fresh] + r * state_bias[fresh]);
        y.row(i)[j] = (1 - z) * n;
      }
    }
    return y;
  }

  WeightSet weights;
  NetworkSettings settings;
  Activation activation;
  float residual;
  bool has_log;
  bool skips_features;
  bool skips_context;
  bool pads_zeros;
  bool is_affine;
  bool is_recurrent;
  std::vector<Block> features;
  std::vector<Block> context;
  std::span<const float> input_weight;
  std::span<const float> input_bias;
  std::span<const float> state_bias;
  std::int64_t encoder_width = 0;
  std::int64_t context_width = 0;
};

Wav2vec::Wav2vec(WeightSet weights) {
  if (!weights.arguments().is_object()) {
    throw ArtifactError(fmt::format(
        "{}: no wav2vec file of fairseq: it does not say what its network looks like (args)",
        weights.name()));
  }
  impl_ = std::make_unique<Impl>(std::move(weights));
}

Wav2vec::~Wav2vec() = default;
Wav2vec::Wav2vec(Wav2vec&&) noexcept = default;
Wav2vec& Wav2vec::operator=(Wav2vec&&) noexcept = default;

Wav2vecFrames Wav2vec::frames(std::span<const float> samples) const {
  Wav2vecFrames result;
  result.encoder = impl_->encode(samples);
  result.context = impl_->aggregate(result.encoder);
  return result;
}

std::int64_t Wav2vec::context_width() const { return impl_->context_width; }

std::int64_t Wav2vec::encoder_width() const { return impl_->encoder_width; }

}  // namespace hardy
