// MoMKE: mixtures of the experts of all modalities over the whole dialogue.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/bundle_settings.h"
#include "inference/method_network.h"

namespace hardy::predict {
namespace {

void check_momke(bool fits, const char* what) {
  if (!fits) throw ArtifactError(fmt::format("{}: its layers do not fit the description", what));
}

/// Every modality's embedding passes all experts, weighted by a router; then as HARDY-MER.
class MomkeForward final : public MethodNetwork {
 public:
  MomkeForward(const TensorFileView& file, const BundleInfo& info) : scalings_(file, info) {
    const auto& names = info.modalities;
    for (const auto& [name, width] : names) {
      embed_.emplace_back(file, "model.embed." + name);
      check_momke(embed_.back().in() == width, "embed");
      router1_.emplace_back(file, "model.router." + name + ".fc1");
      router2_.emplace_back(file, "model.router." + name + ".fc2");
      joint_.emplace_back(file, "model.joint." + name);
      auto& units = experts_.emplace_back();
      for (int u = 0; file.arrays.contains(fmt::format("model.expert.{}.{}.qkv.weight", name, u));
           ++u) {
        const auto unit = fmt::format("model.expert.{}.{}", name, u);
        units.push_back(
            {Dense(file, unit + ".qkv"), Dense(file, unit + ".fc1"), Dense(file, unit + ".fc2")});
      }
    }
    hidden_ = embed_.front().out();
    heads_ = stored_integer(info, "momke", "heads");
    check_momke(heads_ >= 1 && hidden_ % heads_ == 0, "heads");
    const auto bias = checked_array(file, "model.joint.bias", {stacked()});
    joint_bias_.assign(bias.begin(), bias.end());
    classifier_ = Dense(file, "model.classifier");
    check_momke(classifier_.in() == stacked() && classifier_.out() == info.outputs(), "classifier");
    for (const auto& units : experts_) {
      check_momke(units.size() == experts_.front().size(), "experts");
      for (const auto& unit : units) {
        check_momke(unit.qkv.in() == hidden_ && unit.qkv.out() == 3 * hidden_, "experts");
        check_momke(unit.fc1.in() == hidden_ && unit.fc2.out() == hidden_, "experts");
      }
    }
  }

  [[nodiscard]] bool reads_context() const override { return true; }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    const auto n = rows.count();
    Matrix state(n, stacked());  // J; zero where a modality is absent
    for (std::size_t m = 0; m < embed_.size(); ++m) encode(rows, m, state, buffers);
    Matrix joint(n, stacked());
    for (std::int64_t i = 0; i < n; ++i) {
      std::copy(joint_bias_.begin(), joint_bias_.end(), joint.all().row(i));
    }
    for (std::size_t m = 0; m < joint_.size(); ++m) {
      const float* block = state.values.data() + static_cast<std::int64_t>(m) * hidden_;
      joint_[m].run({block, stacked()}, n, joint.all(), true);
    }
    relu(joint.values.data(), n * stacked());
    add(state.values.data(), n * stacked(), joint.values.data());
    classifier_.run(joint.constant(), n,
                    {room(buffers.logits, n * classifier_.out()), classifier_.out()});
  }

 private:
  struct Unit {
    Dense qkv;
    Dense fc1;
    Dense fc2;
  };

  [[nodiscard]] std::int64_t stacked() const {
    return hidden_ * static_cast<std::int64_t>(embed_.size());
  }

  /// The mixture of all experts on modality m, into its block of `state`.
  void encode(const DialogueRows& rows, std::size_t m, Matrix& state, Buffers& buffers) const {
    Matrix x(rows.count(), scalings_.width(m));
    scalings_.fill(rows, m, x.all(), buffers);
    std::vector<std::int64_t> members;        // rows that have it
    std::vector<std::int64_t> offsets = {0};  // dialogues among them
    for (std::size_t d = 0; d + 1 < rows.offsets.size(); ++d) {
      for (auto i = rows.offsets[d]; i < rows.offsets[d + 1]; ++i) {
        if (rows.shows(i, m)) members.push_back(i);
      }
      offsets.push_back(static_cast<std::int64_t>(members.size()));
    }
    const auto n = static_cast<std::int64_t>(members.size());
    if (n == 0) return;
    Matrix shown(n, x.width);
    for (std::int64_t i = 0; i < n; ++i) {
      std::copy_n(x.constant().row(members[static_cast<std::size_t>(i)]), x.width,
                  shown.all().row(i));
    }
    Matrix embedded(n, hidden_);
    embed_[m].run(shown.constant(), n, embedded.all());
    const Matrix weights = route(m, embedded, n);
    for (std::size_t e = 0; e < experts_.size(); ++e) {
      const Matrix z = attend_all(experts_[e], embedded, offsets);
      for (std::int64_t i = 0; i < n; ++i) {
        const float weight = weights.constant().row(i)[e];
        float* target = state.all().row(members[static_cast<std::size_t>(i)]) +
                        static_cast<std::int64_t>(m) * hidden_;
        for (std::int64_t j = 0; j < hidden_; ++j) target[j] += z.constant().row(i)[j] * weight;
      }
    }
  }

  /// Weights of the experts. Shapes: -> [n, M].
  [[nodiscard]] Matrix route(std::size_t m, const Matrix& embedded, std::int64_t n) const {
    Matrix inner(n, router1_[m].out());
    router1_[m].run(embedded.constant(), n, inner.all());
    gelu(inner.values.data(), n * inner.width);
    Matrix weights(n, router2_[m].out());
    router2_[m].run(inner.constant(), n, weights.all());
    for (std::int64_t i = 0; i < n; ++i) softmax(weights.all().row(i), weights.width, 1.0F);
    return weights;
  }

  /// An expert's units. Shapes: embedded [n, D] -> [n, D].
  [[nodiscard]] Matrix attend_all(const std::vector<Unit>& units, const Matrix& embedded,
                                  const std::vector<std::int64_t>& offsets) const {
    Matrix x = embedded;
    const std::int64_t n = offsets.back();
    for (const auto& unit : units) {
      Matrix qkv(n, 3 * hidden_);
      unit.qkv.run(x.constant(), n, qkv.all());
      Matrix z(n, hidden_);
      for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
        attend(qkv, offsets[d], offsets[d + 1], z);
      }
      add(z.values.data(), n * hidden_, x.values.data());
      Matrix inner(n, unit.fc1.out());
      unit.fc1.run(z.constant(), n, inner.all());
      gelu(inner.values.data(), n * inner.width);
      unit.fc2.run(inner.constant(), n, x.all(), true);
    }
    return x;
  }

  /// Attention among rows first .. end-1 of one dialogue.
  void attend(const Matrix& qkv, std::int64_t first, std::int64_t end, Matrix& z) const {
    const std::int64_t width = hidden_ / heads_;
    const float scale = 1.0F / std::sqrt(static_cast<float>(width));
    std::vector<float> scores(static_cast<std::size_t>(end - first));
    for (std::int64_t head = 0; head < heads_; ++head) {
      for (std::int64_t i = first; i < end; ++i) {
        const float* query = qkv.constant().row(i) + head * width;
        for (std::int64_t j = first; j < end; ++j) {
          const float* key = qkv.constant().row(j) + hidden_ + head * width;
          float sum = 0;
          for (std::int64_t k = 0; k < width; ++k) sum += query[k] * key[k];
          scores[static_cast<std::size_t>(j - first)] = sum * scale;
        }
        softmax(scores.data(), end - first, 1.0F);
        float* target = z.all().row(i) + head * width;
        for (std::int64_t j = first; j < end; ++j) {
          const float* value = qkv.constant().row(j) + 2 * hidden_ + head * width;
          const float weight = scores[static_cast<std::size_t>(j - first)];
          for (std::int64_t k = 0; k < width; ++k) target[k] += weight * value[k];
        }
      }
    }
  }

  Scalings scalings_;
  std::vector<Dense> embed_;
  std::vector<Dense> router1_;
  std::vector<Dense> router2_;
  std::vector<std::vector<Unit>> experts_;
  std::vector<Dense> joint_;
  std::vector<float> joint_bias_;
  Dense classifier_;
  std::int64_t hidden_ = 0;
  std::int64_t heads_ = 1;
};

}  // namespace

std::unique_ptr<const MethodNetwork> make_momke_network(const TensorFileView& file,
                                                        const BundleInfo& info) {
  return std::make_unique<MomkeForward>(file, info);
}

}  // namespace hardy::predict
