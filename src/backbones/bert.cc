// BERT and RoBERTa: the same encoder with different position numbers.
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "backbones/attention.h"
#include "backbones/text_network.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

struct BertLayer {
  Dense query;
  Dense key;
  Dense value;
  Dense joined;
  RowNorm joined_norm;
  Dense intermediate;
  Dense output;
  RowNorm output_norm;

  BertLayer(const WeightSet& weights, const std::string& at, const TransformerSizes& sizes,
            float epsilon)
      : query(weights, at + "attention.self.query", sizes.width, sizes.width),
        key(weights, at + "attention.self.key", sizes.width, sizes.width),
        value(weights, at + "attention.self.value", sizes.width, sizes.width),
        joined(weights, at + "attention.output.dense", sizes.width, sizes.width),
        joined_norm(weights, at + "attention.output.LayerNorm", sizes.width, epsilon),
        intermediate(weights, at + "intermediate.dense", sizes.width, sizes.inner),
        output(weights, at + "output.dense", sizes.inner, sizes.width),
        output_norm(weights, at + "output.LayerNorm", sizes.width, epsilon) {}
};

class Bert final : public TextNetwork {
 public:
  Bert(const NetworkSettings& settings, WeightSet weights)
      : sizes_(TransformerSizes::read(settings)),
        weights_(std::move(weights)),
        activation_(activation_of(settings.text_or("hidden_act", "gelu"), settings.name())),
        is_roberta_(settings.text_or("model_type", "") == "roberta"),
        padding_(settings.integer_or("pad_token_id", is_roberta_ ? 1 : 0)) {
    const auto kind = settings.text_or("position_embedding_type", "absolute");
    if (kind != "absolute") settings.refuse(fmt::format("position_embedding_type {}", kind));
    weights_.keep_below(is_roberta_ ? "roberta." : "bert.");
    weights_.rename_endings("LayerNorm.gamma", "LayerNorm.weight");
    weights_.rename_endings("LayerNorm.beta", "LayerNorm.bias");
    const auto epsilon =
        static_cast<float>(settings.real_or("layer_norm_eps", is_roberta_ ? 1e-5 : 1e-12));
    vocabulary_ = settings.integer("vocab_size", 1, 1 << 24);
    positions_ = settings.integer("max_position_embeddings", 1, 1 << 20);
    const std::int64_t width = sizes_.width;
    words_ = weights_.floats("embeddings.word_embeddings.weight", {vocabulary_, width});
    places_ = weights_.floats("embeddings.position_embeddings.weight", {positions_, width});
    types_ = weights_.floats("embeddings.token_type_embeddings.weight", {-1, width});
    norm_ = RowNorm(weights_, "embeddings.LayerNorm", width, epsilon);
    for (std::int64_t n = 0; n < sizes_.layers; ++n) {
      layers_.emplace_back(weights_, fmt::format("encoder.layer.{}.", n), sizes_, epsilon);
    }
  }

  [[nodiscard]] std::int64_t width() const override { return sizes_.width; }

  [[nodiscard]] std::int64_t longest() const override {
    return is_roberta_ ? positions_ - padding_ - 1 : positions_;
  }

  [[nodiscard]] std::size_t layers() const override { return layers_.size(); }

  [[nodiscard]] Matrix embed(const TokenSequence& sequence) const override {
    const auto tokens = static_cast<std::int64_t>(sequence.ids.size());
    if (tokens > longest()) {
      throw DataError(
          fmt::format("its text has {} tokens, the network reads {}", tokens, longest()));
    }
    Matrix x(tokens, sizes_.width);
    std::int64_t counted = 0;
    for (std::int64_t i = 0; i < tokens; ++i) {
      const std::int64_t id = sequence.ids[static_cast<std::size_t>(i)];
      if (id < 0 || id >= vocabulary_) {
        throw DataError(fmt::format("{}: a token has the number {}, its vocabulary {}",
                                    weights_.name(), id, vocabulary_));
      }
      // RoBERTa numbers tokens from its padding id on.
      if (is_roberta_ && id != padding_) ++counted;
      const std::int64_t place = !is_roberta_ ? i : id == padding_ ? padding_ : padding_ + counted;
      const float* word = words_.data() + id * sizes_.width;
      const float* position = places_.data() + place * sizes_.width;
      for (std::int64_t j = 0; j < sizes_.width; ++j) {
        x.row(i)[j] = word[j] + types_[static_cast<std::size_t>(j)] + position[j];
      }
    }
    norm_.apply(x);
    return x;
  }

 private:
  [[nodiscard]] Matrix run_layer(std::size_t n, const Matrix& x,
                                 std::span<const TokenSequence> sequences,
                                 Matrix* attention) const override {
    const BertLayer& layer = layers_[n];
    const Matrix q = layer.query.apply(x);
    const Matrix k = layer.key.apply(x);
    const Matrix v = layer.value.apply(x);
    AttentionInput input;
    input.head_stride = sizes_.head_width();
    input.head_width = sizes_.head_width();
    input.heads = sizes_.heads;
    input.scale = 1 / std::sqrt(static_cast<float>(sizes_.head_width()));
    const ScoreChange note = [&](Matrix& shares) {
      if (attention != nullptr) *attention = shares;
    };
    Matrix joined(x.rows, x.width);
    std::int64_t first = 0;
    for (const auto& sequence : sequences) {
      input.query = {q.row(first), sizes_.width};
      input.key = {k.row(first), sizes_.width};
      input.value = {v.row(first), sizes_.width};
      input.tokens = static_cast<std::int64_t>(sequence.ids.size());
      const Matrix part = attend(input, sequence.mask, false, {}, note);
      std::copy(part.values.begin(), part.values.end(), joined.row(first));
      first += input.tokens;
    }
    Matrix y = layer.joined.apply(joined);
    add_to(y, x);
    layer.joined_norm.apply(y);
    Matrix inner = layer.intermediate.apply(y);
    activate(activation_, inner);
    Matrix z = layer.output.apply(inner);
    add_to(z, y);
    layer.output_norm.apply(z);
    return z;
  }

  TransformerSizes sizes_;
  WeightSet weights_;
  Activation activation_;
  bool is_roberta_;
  std::int64_t padding_;
  std::int64_t vocabulary_ = 0;
  std::int64_t positions_ = 0;
  std::span<const float> words_;
  std::span<const float> places_;
  std::span<const float> types_;
  RowNorm norm_;
  std::vector<BertLayer> layers_;
};

}  // namespace

std::unique_ptr<TextNetwork> make_bert(const NetworkSettings& settings, WeightSet weights) {
  return std::make_unique<Bert>(settings, std::move(weights));
}

}  // namespace hardy
