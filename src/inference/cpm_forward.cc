// CPM-Net: prediction is a descent on the latents of the utterances.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/bundle_settings.h"
#include "inference/method_network.h"

namespace hardy::predict {
namespace {

void check_cpm(bool fits, const char* what) {
  if (!fits) throw ArtifactError(fmt::format("{}: its layers do not fit the description", what));
}

/// CPM-Net: finds a latent per utterance by Adam's descent on the reconstruction of the available
/// modalities (as src/methods/cpm_net/cpm_net.cc in training), then compares it with the classes'
/// means.
class CpmForward final : public MethodNetwork {
 public:
  CpmForward(const TensorFileView& file, const BundleInfo& info)
      : scalings_(file, info), is_class_(info.is_classification()) {
    const auto& means = file.shape("model.class.means");
    check_cpm(means.size() == 2, "class means");
    classes_ = Dense({file.floats("model.class.means").data(), means[1]}, means[1], means[0], {});
    const auto values = checked_array(file, "model.class.values", {means[0]});
    values_.assign(values.begin(), values.end());
    latent_ = means[1];
    check_cpm(!is_class_ || means[0] == info.outputs(), "class means");
    steps_ = stored_integer(info, "cpm_net", "inference_epochs") *
             stored_integer(info, "cpm_net", "steps");
    rate_ = static_cast<float>(stored_number(info, "cpm_net", "inference_learning_rate"));
    for (const auto& [name, width] : info.modalities) add_decoder(file, name, width);
  }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    const auto n = rows.count();
    Matrix c(n, latent_);
    std::map<std::uint32_t, std::vector<std::int64_t>> places;  // by available modalities
    std::vector<std::uint32_t> shown(static_cast<std::size_t>(n), 0);
    for (std::size_t m = 0; m < decoders_.size(); ++m) {
      Matrix x(n, scalings_.width(m));
      scalings_.fill(rows, m, x.all(), buffers);
      for (std::int64_t i = 0; i < n; ++i) {
        if (!rows.shows(i, m)) continue;
        shown[static_cast<std::size_t>(i)] |= 1U << m;
        float* row = x.all().row(i);
        for (std::int64_t j = 0; j < x.width; ++j) {
          row[j] -= decoders_[m].bias[static_cast<std::size_t>(j)];
        }
        decoders_[m].back.run({row, x.width}, 1, {c.all().row(i), latent_}, true);
      }
    }
    for (std::int64_t i = 0; i < n; ++i) places[shown[static_cast<std::size_t>(i)]].push_back(i);
    Matrix h(n, latent_);
    for (const auto& [bits, members] : places) {
      const Dense gram = gram_of(bits);
      for (const auto i : members) descend(gram, c.constant().row(i), h.all().row(i));
    }
    answer(h, n, buffers);
  }

 private:
  struct Decoder {
    Dense back;               ///< W^T: [L, d]
    std::vector<float> gram;  ///< W^T W [L, L]
    std::vector<float> bias;  ///< [d]
  };

  void add_decoder(const TensorFileView& file, const std::string& name, std::int64_t width) {
    const auto weight = checked_array(file, "model.decoder." + name + ".weight", {width, latent_});
    const auto bias = checked_array(file, "model.decoder." + name + ".bias", {width});
    Matrix turned(latent_, width);
    for (std::int64_t i = 0; i < width; ++i) {
      for (std::int64_t j = 0; j < latent_; ++j) {
        turned.all().row(j)[i] = weight[static_cast<std::size_t>(i * latent_ + j)];
      }
    }
    Decoder decoder;
    decoder.back = Dense(turned.constant(), width, latent_, {});
    decoder.bias.assign(bias.begin(), bias.end());
    Matrix gram(latent_, latent_);
    decoder.back.run(turned.constant(), latent_, gram.all());
    decoder.gram = std::move(gram.values);
    decoders_.push_back(std::move(decoder));
  }

  [[nodiscard]] Dense gram_of(std::uint32_t bits) const {
    Matrix gram(latent_, latent_);
    for (std::size_t m = 0; m < decoders_.size(); ++m) {
      if (!Pattern(bits).has(static_cast<int>(m))) continue;
      add(decoders_[m].gram.data(), latent_ * latent_, gram.values.data());
    }
    return {gram.constant(), latent_, latent_, {}};
  }

  /// Adam from zero along 2 (G h - c). Shapes: c, h [L].
  void descend(const Dense& gram, const float* c, float* h) const {
    constexpr double kBeta1 = 0.9;
    constexpr double kBeta2 = 0.999;
    const auto width = static_cast<std::size_t>(latent_);
    std::vector<float> gradient(width);
    std::vector<float> mean(width, 0.0F);
    std::vector<float> square(width, 0.0F);
    for (std::int64_t t = 1; t <= steps_; ++t) {
      std::transform(c, c + latent_, gradient.begin(), std::negate<>());
      gram.run({h, latent_}, 1, {gradient.data(), latent_}, true);
      const auto times = static_cast<double>(t);
      const float rate = rate_ / static_cast<float>(1 - std::pow(kBeta1, times));
      const float root = 1.0F / static_cast<float>(std::sqrt(1 - std::pow(kBeta2, times)));
      for (std::size_t j = 0; j < width; ++j) {
        const float g = gradient[j] * 2.0F;
        mean[j] = 0.9F * mean[j] + 0.1F * g;
        square[j] = 0.999F * square[j] + 0.001F * g * g;
        h[j] -= rate * mean[j] / (std::sqrt(square[j]) * root + 1e-8F);
      }
    }
  }

  /// Similarities as logits, or for a value the classes' mean values weighted by their softmax.
  void answer(const Matrix& h, std::int64_t n, Buffers& buffers) const {
    const auto classes = classes_.out();
    if (is_class_) {
      classes_.run(h.constant(), n, {room(buffers.logits, n * classes), classes});
      return;
    }
    Matrix shares(n, classes);
    classes_.run(h.constant(), n, shares.all());
    float* values = room(buffers.logits, n);
    for (std::int64_t i = 0; i < n; ++i) {
      float* row = shares.all().row(i);
      softmax(row, classes, 1.0F);
      values[i] = 0;
      for (std::int64_t k = 0; k < classes; ++k) {
        values[i] += row[k] * values_[static_cast<std::size_t>(k)];
      }
    }
  }

  Scalings scalings_;
  bool is_class_;
  Dense classes_;              ///< [C, L]
  std::vector<float> values_;  ///< [C]
  std::int64_t latent_ = 0;
  std::int64_t steps_ = 0;
  float rate_ = 0;
  std::vector<Decoder> decoders_;
};

}  // namespace

std::unique_ptr<const MethodNetwork> make_cpm_network(const TensorFileView& file,
                                                      const BundleInfo& info) {
  return std::make_unique<CpmForward>(file, info);
}

}  // namespace hardy::predict
