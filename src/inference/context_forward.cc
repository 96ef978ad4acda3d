// The context network: a recurrent layer over the whole dialogue (src/methods/context), alone or
// the mean of several (src/methods/crossfit).
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "hardy/errors.h"
#include "inference/method_network.h"
#include "inference/recurrent.h"

namespace hardy::predict {
namespace {

void check_context(bool fits, const char* what) {
  if (!fits) throw ArtifactError(fmt::format("{}: its layers do not fit the description", what));
}

/// Scaled features of every modality, zeros in rows without it; fills buffers.limited. Shapes: ->
/// [M] of [n, d_m].
std::vector<Matrix> scaled_inputs(const Scalings& scalings, const DialogueRows& rows,
                                  Buffers& buffers) {
  std::vector<Matrix> inputs;
  for (std::size_t m = 0; m < scalings.modalities(); ++m) {
    inputs.emplace_back(rows.count(), scalings.width(m));
    scalings.fill(rows, m, inputs.back().all(), buffers);
  }
  return inputs;
}

/// One network behind its inputs.
class ContextLayers {
 public:
  /// `prefix`: of the names of the network's arrays, such as "model.".
  ContextLayers(const TensorFileView& file, const BundleInfo& info, const std::string& prefix) {
    const auto& roles = file.shape(prefix + "roles");
    check_context(roles.size() == 2 && roles[0] >= 1, "roles");
    hidden_ = roles[1];
    roles_ = file.floats(prefix + "roles");
    last_role_ = roles[0] - 1;
    const auto vector = [&](const std::string& name, std::int64_t width) {
      return checked_array(file, prefix + name, {width});
    };
    for (std::size_t m = 0; m < info.modalities.size(); ++m) {
      const auto name = fmt::format("modality{}", m);
      Modality modality{Dense(file, prefix + name + ".embed"), vector(name + ".norm.gain", hidden_),
                        vector(name + ".norm.offset", hidden_), vector(name + ".absent", hidden_)};
      check_context(
          modality.embed.in() == info.modalities[m].width && modality.embed.out() == hidden_,
          "embed");
      modalities_.push_back(std::move(modality));
    }
    for (const char* way : {"forward", "backward"}) {
      const auto name = prefix + way;
      const auto& shape = file.shape(name + ".bias");
      check_context(shape.size() == 1, "recurrent layer");
      ways_.emplace_back(file, name, checked_array(file, name + ".bias", shape));
      check_context(ways_.back().in() == hidden_, "recurrent layer");
    }
    const std::int64_t joint = hidden_ + ways_[0].width() + ways_[1].width();
    joint_gain_ = vector("joint_norm.gain", joint);
    joint_offset_ = vector("joint_norm.offset", joint);
    output_ = Dense(file, prefix + "output");
    check_context(output_.in() == joint && output_.out() == info.outputs(), "output");
  }

  /// Logits of the rows into buffers.logits. Shapes: inputs [M] of [n, d_m] -> [n, C].
  void run(const DialogueRows& rows, const std::vector<Matrix>& inputs, Buffers& buffers) const {
    const auto n = rows.count();
    Matrix sum(n, hidden_);
    for (std::size_t m = 0; m < modalities_.size(); ++m) add_modality(rows, m, inputs[m], sum);
    Matrix spoken = sum;
    const auto numbers = role_numbers(rows);
    for (std::int64_t i = 0; i < n; ++i) {
      add(roles_.data() + numbers[static_cast<std::size_t>(i)] * hidden_, hidden_,
          spoken.all().row(i));
    }
    Matrix joint(n, output_.in());
    for (std::int64_t i = 0; i < n; ++i) {
      std::copy_n(sum.constant().row(i), hidden_, joint.all().row(i));
    }
    std::int64_t first = hidden_;
    for (std::size_t way = 0; way < ways_.size(); ++way) {
      ways_[way].run(spoken, rows.offsets, way == 1, {joint.values.data() + first, joint.width});
      first += ways_[way].width();
    }
    for (std::int64_t i = 0; i < n; ++i) {
      float* row = joint.all().row(i);
      layer_norm(row, joint.width, joint_gain_.data(), joint_offset_.data(), row);
    }
    output_.run(joint.constant(), n, {room(buffers.logits, n * output_.out()), output_.out()});
  }

 private:
  struct Modality {
    Dense embed;
    std::span<const float> gain;    ///< [H]
    std::span<const float> offset;  ///< [H]
    std::span<const float> absent;  ///< [H]
  };

  /// Whether any row has a modality.
  static bool is_shown(const DialogueRows& rows, std::size_t m) {
    for (std::int64_t i = 0; i < rows.count(); ++i) {
      if (rows.shows(i, m)) return true;
    }
    return false;
  }

  /// Adds a modality's embedding to the rows that have it, and the vector of absence to the others.
  void add_modality(const DialogueRows& rows, std::size_t m, const Matrix& x, Matrix& sum) const {
    const auto n = rows.count();
    const Modality& modality = modalities_[m];
    Matrix y(n, hidden_);
    if (is_shown(rows, m)) modality.embed.run(x.constant(), n, y.all());
    for (std::int64_t i = 0; i < n; ++i) {
      if (!rows.shows(i, m)) {
        add(modality.absent.data(), hidden_, sum.all().row(i));
        continue;
      }
      float* row = y.all().row(i);
      layer_norm(row, hidden_, modality.gain.data(), modality.offset.data(), row);
      gelu(row, hidden_);
      add(row, hidden_, sum.all().row(i));
    }
  }

  /// Row of `roles` by order of appearance; 0 = unknown, the last for all further ones.
  [[nodiscard]] std::vector<std::int64_t> role_numbers(const DialogueRows& rows) const {
    std::vector<std::int64_t> numbers;
    for (std::size_t d = 0; d + 1 < rows.offsets.size(); ++d) {
      std::map<std::int64_t, std::int64_t> seen;
      for (auto i = rows.offsets[d]; i < rows.offsets[d + 1]; ++i) {
        const auto speaker = rows.utterances[static_cast<std::size_t>(i)].speaker;
        if (speaker < 0) {
          numbers.push_back(0);
          continue;
        }
        const auto role =
            seen.try_emplace(speaker, static_cast<std::int64_t>(seen.size()) + 1).first->second;
        numbers.push_back(std::min(role, last_role_));
      }
    }
    return numbers;
  }

  std::int64_t hidden_ = 0;
  std::int64_t last_role_ = 0;
  std::span<const float> roles_;  ///< [roles + 1, H]
  std::vector<Modality> modalities_;
  std::vector<LstmDirection> ways_;
  std::span<const float> joint_gain_;
  std::span<const float> joint_offset_;
  Dense output_;
};

class ContextForward final : public MethodNetwork {
 public:
  ContextForward(const TensorFileView& file, const BundleInfo& info)
      : scalings_(file, info), layers_(file, info, "model.") {}

  [[nodiscard]] bool reads_context() const override { return true; }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    layers_.run(rows, scaled_inputs(scalings_, rows, buffers), buffers);
  }

 private:
  Scalings scalings_;
  ContextLayers layers_;
};

/// The mean of the logits of several context networks, which share their inputs.
class CrossfitForward final : public MethodNetwork {
 public:
  CrossfitForward(const TensorFileView& file, const BundleInfo& info)
      : scalings_(file, info), outputs_(info.outputs()) {
    do {
      members_.emplace_back(file, info, prefix_of(members_.size()));
    } while (file.arrays.contains(prefix_of(members_.size()) + "roles"));
  }

  [[nodiscard]] bool reads_context() const override { return true; }

  void run(const DialogueRows& rows, Buffers& buffers) const override {
    const auto inputs = scaled_inputs(scalings_, rows, buffers);
    std::vector<float> sum(static_cast<std::size_t>(rows.count() * outputs_), 0.0F);
    for (const auto& member : members_) {
      member.run(rows, inputs, buffers);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += buffers.logits[i];
    }
    const auto count = static_cast<float>(members_.size());
    for (std::size_t i = 0; i < sum.size(); ++i) buffers.logits[i] = sum[i] / count;
  }

 private:
  static std::string prefix_of(std::size_t member) {
    return fmt::format("model.member{}.", member);
  }

  Scalings scalings_;
  std::int64_t outputs_;
  std::vector<ContextLayers> members_;
};

}  // namespace

std::unique_ptr<const MethodNetwork> make_context_network(const TensorFileView& file,
                                                          const BundleInfo& info) {
  return std::make_unique<ContextForward>(file, info);
}

std::unique_ptr<const MethodNetwork> make_crossfit_network(const TensorFileView& file,
                                                           const BundleInfo& info) {
  return std::make_unique<CrossfitForward>(file, info);
}

}  // namespace hardy::predict
