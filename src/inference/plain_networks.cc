// Methods that predict every utterance independently: the controls, MMIN and CIF-MMIN.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/bundle_settings.h"
#include "inference/method_network.h"

namespace hardy::predict {
namespace {

constexpr float kSmallest = 1e-12F;  ///< lower bound of shares before their logarithm

/// ln(p / (1 - p)), with p bounded away from 0 and 1 as in training.
float logit_of(float p) {
  p = std::clamp(p, 1e-6F, 1 - 1e-6F);
  return std::log(p / (1 - p));
}

float* logits_room(Buffers& buffers, std::int64_t n, std::int64_t outputs) {
  return room(buffers.logits, n * outputs);
}

/// The training part's label frequencies, or its mean value, for any input.
class MajorityNetwork final : public MethodNetwork {
 public:
  MajorityNetwork(const TensorFileView& file, const BundleInfo& info) : scalings_(file, info) {
    const auto answer = checked_array(file, "model.answer", {info.outputs()});
    answer_.assign(answer.begin(), answer.end());
    const bool has_labels = info.label_kind == "labels";
    for (auto& share : answer_) {
      if (info.is_classification()) share = std::log(std::max(share, kSmallest));
      if (has_labels) share = logit_of(share);
    }
  }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    static_cast<void>(scalings_.side_by_side(rows, buffers));
    float* logits = logits_room(buffers, rows.count(), static_cast<std::int64_t>(answer_.size()));
    for (std::int64_t i = 0; i < rows.count(); ++i) {
      logits = std::copy(answer_.begin(), answer_.end(), logits);
    }
  }

 private:
  Scalings scalings_;
  std::vector<float> answer_;
};

/// Linear layers "NAME.0", "NAME.1", ... with ReLU or leaky ReLU between them.
class Layers {
 public:
  Layers(const TensorFileView& file, const std::string& name, float slope = 0) : slope_(slope) {
    for (int i = 0; file.arrays.contains(fmt::format("{}.{}.weight", name, i)); ++i) {
      layers_.emplace_back(file, fmt::format("{}.{}", name, i));
    }
    if (layers_.empty()) throw ArtifactError(fmt::format("array '{}.0.weight' is missing", name));
    for (std::size_t i = 1; i < layers_.size(); ++i) {
      if (layers_[i].in() == layers_[i - 1].out()) continue;
      throw ArtifactError(fmt::format("layers '{}' do not fit together", name));
    }
  }

  [[nodiscard]] std::int64_t in() const { return layers_.front().in(); }

  [[nodiscard]] std::int64_t out() const { return layers_.back().out(); }

  /// Shapes: [n, in] -> [n, out].
  [[nodiscard]] Matrix run(ConstRows x, std::int64_t n) const {
    Matrix state;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      Matrix next(n, layers_[i].out());
      layers_[i].run(i == 0 ? x : state.constant(), n, next.all());
      if (i + 1 < layers_.size()) activate(next);
      state = std::move(next);
    }
    return state;
  }

 private:
  void activate(Matrix& state) const {
    for (auto& value : state.values) {
      if (value < 0) value *= slope_;
    }
  }

  std::vector<Dense> layers_;
  float slope_;
};

void require(bool fits, const char* what) {
  if (!fits) throw ArtifactError(fmt::format("{}: its layers do not fit the description", what));
}

/// Layers on all features concatenated: early_linear (one layer) and mean_mlp.
class StackedNetwork final : public MethodNetwork {
 public:
  StackedNetwork(const TensorFileView& file, const BundleInfo& info) : scalings_(file, info) {
    if (file.arrays.contains("model.layer.weight")) {
      linear_.emplace(file, "model.layer");
      require(linear_->in() == scalings_.all_widths() && linear_->out() == info.outputs(), "layer");
    } else {
      layers_.emplace(file, "model.layer");
      require(layers_->in() == scalings_.all_widths() && layers_->out() == info.outputs(), "layer");
    }
  }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    const auto n = rows.count();
    const Matrix x = scalings_.side_by_side(rows, buffers);
    if (linear_) {
      linear_->run(x.constant(), n, {logits_room(buffers, n, linear_->out()), linear_->out()});
      return;
    }
    const Matrix y = layers_->run(x.constant(), n);
    std::copy(y.values.begin(), y.values.end(), logits_room(buffers, n, y.width));
  }

 private:
  Scalings scalings_;
  std::optional<Dense> linear_;
  std::optional<Layers> layers_;
};

/// A linear model per modality; the outputs of the available ones are averaged (late_linear).
class LateNetwork final : public MethodNetwork {
 public:
  LateNetwork(const TensorFileView& file, const BundleInfo& info)
      : scalings_(file, info),
        is_class_(info.is_classification()),
        has_labels_(info.label_kind == "labels"),
        outputs_(info.outputs()) {
    for (const auto& [name, width] : info.modalities) {
      layers_.emplace_back(file, "model.layer." + name);
      require(layers_.back().in() == width && layers_.back().out() == outputs_, "layer");
    }
  }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    const auto n = rows.count();
    Matrix sum(n, outputs_);
    std::vector<float> shown(static_cast<std::size_t>(n), 0.0F);
    for (std::size_t m = 0; m < layers_.size(); ++m) {
      Matrix x(n, scalings_.width(m));
      scalings_.fill(rows, m, x.all(), buffers);
      Matrix y(n, outputs_);
      layers_[m].run(x.constant(), n, y.all());
      for (std::int64_t i = 0; i < n; ++i) {
        if (!rows.shows(i, m)) continue;
        float* row = y.all().row(i);
        if (is_class_) softmax(row, outputs_, 1.0F);
        for (std::int64_t t = 0; has_labels_ && t < outputs_; ++t) {
          row[t] = 1.0F / (1.0F + std::exp(-row[t]));
        }
        add(row, outputs_, sum.all().row(i));
        ++shown[static_cast<std::size_t>(i)];
      }
    }
    float* logits = logits_room(buffers, n, outputs_);
    for (std::int64_t i = 0; i < n; ++i) {
      const float count = std::max(shown[static_cast<std::size_t>(i)], 1.0F);
      for (std::int64_t c = 0; c < outputs_; ++c) {
        const float mean = sum.all().row(i)[c] / count;
        *logits++ = is_class_ ? std::log(mean + kSmallest) : has_labels_ ? logit_of(mean) : mean;
      }
    }
  }

 private:
  Scalings scalings_;
  bool is_class_;
  bool has_labels_;
  std::int64_t outputs_;
  std::vector<Dense> layers_;
};

/// Encoders of single modalities with concatenated outputs (MMIN, CIF-MMIN). An absent modality is
/// encoded as zeros, its mean.
class EncoderBank {
 public:
  EncoderBank(const TensorFileView& file, const BundleInfo& info, const std::string& name) {
    for (const auto& [modality, width] : info.modalities) {
      encoders_.emplace_back(file, name + "." + modality);
      require(encoders_.back().in() == width, "encoder");
    }
  }

  [[nodiscard]] std::int64_t out() const {
    std::int64_t sum = 0;
    for (const auto& encoder : encoders_) sum += encoder.out();
    return sum;
  }

  [[nodiscard]] Matrix run(const Scalings& scalings, const DialogueRows& rows,
                           Buffers& buffers) const {
    const auto n = rows.count();
    Matrix encoded(n, out());
    std::int64_t first = 0;
    for (std::size_t m = 0; m < encoders_.size(); ++m) {
      Matrix x(n, scalings.width(m));
      scalings.fill(rows, m, x.all(), buffers);
      const Matrix y = encoders_[m].run(x.constant(), n);
      for (std::int64_t i = 0; i < n; ++i) {
        std::copy_n(y.constant().row(i), y.width, encoded.all().row(i) + first);
      }
      first += y.width;
    }
    return encoded;
  }

 private:
  std::vector<Layers> encoders_;
};

constexpr float kLeakySlope = 0.01F;  ///< of the cascade's encoders

/// Encoders and decoders of a cascade of residual autoencoders.
struct Cascade {
  Cascade(const TensorFileView& file, const std::string& name, std::int64_t width) {
    for (int b = 0; file.arrays.contains(fmt::format("{}.encoder{}.0.weight", name, b)); ++b) {
      encoders.emplace_back(file, fmt::format("{}.encoder{}", name, b), kLeakySlope);
      decoders.emplace_back(file, fmt::format("{}.decoder{}", name, b));
      require(encoders.back().in() == width && decoders.back().out() == width, "cascade");
      require(decoders.back().in() == encoders.back().out(), "cascade");
    }
    require(!encoders.empty(), "cascade");
  }

  std::vector<Layers> encoders;
  std::vector<Layers> decoders;
};

void add_all(const Matrix& x, Matrix& y) {
  add(x.values.data(), static_cast<std::int64_t>(x.values.size()), y.values.data());
}

class MminForward final : public MethodNetwork {
 public:
  MminForward(const TensorFileView& file, const BundleInfo& info)
      : scalings_(file, info),
        encoders_(file, info, "model.encoder"),
        forth_(file, "model.forth", encoders_.out()),
        classifier_(file, "model.classifier") {
    std::int64_t latents = 0;
    for (const auto& encoder : forth_.encoders) latents += encoder.out();
    require(classifier_.in() == latents && classifier_.out() == info.outputs(), "classifier");
  }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    const auto n = rows.count();
    Matrix state = encoders_.run(scalings_, rows, buffers);
    Matrix latents(n, classifier_.in());
    std::int64_t first = 0;
    for (std::size_t b = 0; b < forth_.encoders.size(); ++b) {
      const Matrix latent = forth_.encoders[b].run(state.constant(), n);
      for (std::int64_t i = 0; i < n; ++i) {
        std::copy_n(latent.constant().row(i), latent.width, latents.all().row(i) + first);
      }
      first += latent.width;
      add_all(forth_.decoders[b].run(latent.constant(), n), state);
    }
    const Matrix y = classifier_.run(latents.constant(), n);
    std::copy(y.values.begin(), y.values.end(), logits_room(buffers, n, y.width));
  }

 private:
  Scalings scalings_;
  EncoderBank encoders_;
  Cascade forth_;
  Layers classifier_;
};

class CifMminForward final : public MethodNetwork {
 public:
  CifMminForward(const TensorFileView& file, const BundleInfo& info)
      : scalings_(file, info),
        specific_(file, info, "model.specific"),
        invariant_(file, info, "model.invariant"),
        cascade_(file, "model.cascade", specific_.out()),
        transform_(file, "model.cascade.transform"),
        classifier_(file, "model.classifier") {
    require(invariant_.out() == specific_.out() && transform_.in() == specific_.out() &&
                transform_.out() == specific_.out() && classifier_.in() == specific_.out() &&
                classifier_.out() == info.outputs(),
            "classifier");
  }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    const auto n = rows.count();
    const Matrix given = specific_.run(scalings_, rows, buffers);
    const Matrix invariant = invariant_.run(scalings_, rows, buffers);
    Matrix out = given;
    Matrix in;
    for (std::size_t b = 0; b < cascade_.encoders.size(); ++b) {
      in = std::move(out);
      add_all(invariant, in);
      const Matrix latent = cascade_.encoders[b].run(in.constant(), n);
      out = cascade_.decoders[b].run(latent.constant(), n);
    }
    add_all(in, out);
    Matrix imagined = transform_.run(out.constant(), n);
    add_all(given, imagined);
    const Matrix y = classifier_.run(imagined.constant(), n);
    std::copy(y.values.begin(), y.values.end(), logits_room(buffers, n, y.width));
  }

 private:
  Scalings scalings_;
  EncoderBank specific_;
  EncoderBank invariant_;
  Cascade cascade_;
  Layers transform_;
  Layers classifier_;
};

std::map<std::string, NetworkFactory>& added_networks() {
  static std::map<std::string, NetworkFactory> networks;
  return networks;
}

}  // namespace

void add_network(const std::string& method, NetworkFactory make) {
  if (added_networks().emplace(method, make).second) return;
  throw ConfigError(fmt::format("method '{}' has a network already", method));
}

std::unique_ptr<const MethodNetwork> make_method_network(const TensorFileView& file,
                                                         const BundleInfo& info) {
  const auto method = stored_method(info);
  if (method == "majority") return std::make_unique<MajorityNetwork>(file, info);
  if (method == "early_linear" || method == "mean_mlp") {
    return std::make_unique<StackedNetwork>(file, info);
  }
  if (method == "late_linear") return std::make_unique<LateNetwork>(file, info);
  if (method == "mmin") return std::make_unique<MminForward>(file, info);
  if (method == "cif_mmin") return std::make_unique<CifMminForward>(file, info);
  if (method == "cpm_net") return make_cpm_network(file, info);
  if (method == "momke") return make_momke_network(file, info);
  if (method == "gcnet") return make_gcnet_network(file, info);
  if (method == "context") return make_context_network(file, info);
  if (method == "crossfit") return make_crossfit_network(file, info);
  const auto added = added_networks().find(method);
  if (added != added_networks().end()) return added->second(file, info);
  throw ArtifactError(
      fmt::format("a model of '{}', whose network this program does not know", method),
      "the program that trained it does, with add_network (docs/adding_a_method.md)");
}

}  // namespace hardy::predict
