// DeBERTa, first version: separate attention to contents and relative positions.
#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "backbones/attention.h"
#include "backbones/text_network.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::int64_t kMostTokens = 8192;  // the scores grow with the square

/// Settings with the defaults of the published program for absent ones.
struct DebertaSettings {
  TransformerSizes sizes;
  std::int64_t vocabulary = 0;
  std::int64_t positions = 0;
  std::int64_t types = 0;
  std::int64_t embedding = 0;
  std::int64_t reach = 0;  ///< largest relative distance with its own embedding
  bool has_relative = false;
  bool has_absolute = true;
  bool has_content_to_position = false;
  bool has_position_to_content = false;
  std::int64_t position_kinds = 0;
  bool mixes_heads = false;
  float epsilon = 1e-7F;
  Activation activation = Activation::kGelu;

  explicit DebertaSettings(const NetworkSettings& settings)
      : sizes(TransformerSizes::read(settings)),
        vocabulary(settings.integer("vocab_size", 1, 1 << 24)),
        positions(settings.integer_or("max_position_embeddings", 512)),
        types(settings.integer_or("type_vocab_size", 0)),
        embedding(settings.integer_or("embedding_size", sizes.width)),
        has_relative(settings.flag_or("relative_attention", false)),
        has_absolute(settings.flag_or("position_biased_input", true)),
        mixes_heads(settings.flag_or("talking_head", false)),
        epsilon(static_cast<float>(settings.real_or("layer_norm_eps", 1e-7))),
        activation(activation_of(settings.text_or("hidden_act", "gelu"), settings.name())) {
    reach = settings.integer_or("max_relative_positions", -1);
    if (reach < 1) reach = positions;
    if (positions < 1 || reach > (1 << 20)) settings.refuse("its numbers of positions are wrong");
    read_kinds(settings);
  }

 private:
  void read_kinds(const NetworkSettings& settings) {
    std::vector<std::string> kinds;
    if (settings.has("pos_att_type") && settings.json()["pos_att_type"].is_array()) {
      for (const auto& kind : settings.json()["pos_att_type"]) {
        kinds.push_back(kind.is_string() ? kind.get<std::string>() : "");
      }
    } else {
      const std::string text = settings.text_or("pos_att_type", "");
      std::size_t start = 0;
      while (!text.empty() && start <= text.size()) {
        const auto end = std::min(text.find('|', start), text.size());
        kinds.push_back(text.substr(start, end - start));
        start = end + 1;
      }
    }
    for (auto& kind : kinds) {
      std::erase_if(kind, [](char c) { return c == ' '; });
      for (char& c : kind) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      has_content_to_position = has_content_to_position || kind == "c2p";
      has_position_to_content = has_position_to_content || kind == "p2c";
    }
    position_kinds = static_cast<std::int64_t>(kinds.size());
  }
};

struct DebertaLayer {
  Dense in_proj;
  std::span<const float> q_bias;
  std::span<const float> v_bias;
  Dense pos_proj;
  Dense pos_q_proj;
  std::span<const float> mix_scores;
  std::span<const float> mix_shares;
  Dense joined;
  RowNorm joined_norm;
  Dense intermediate;
  Dense output;
  RowNorm output_norm;

  DebertaLayer(const WeightSet& weights, const std::string& at, const DebertaSettings& s) {
    const auto [width, layers, heads, inner] = s.sizes;
    const std::string self = at + "attention.self.";
    in_proj = Dense(weights, self + "in_proj", width, 3 * width, false);
    q_bias = weights.floats(self + "q_bias", {width});
    v_bias = weights.floats(self + "v_bias", {width});
    if (s.has_relative && s.has_content_to_position) {
      pos_proj = Dense(weights, self + "pos_proj", width, width, false);
    }
    if (s.has_relative && s.has_position_to_content) {
      pos_q_proj = Dense(weights, self + "pos_q_proj", width, width);
    }
    if (s.mixes_heads) {
      mix_scores = weights.floats(self + "head_logits_proj.weight", {heads, heads});
      mix_shares = weights.floats(self + "head_weights_proj.weight", {heads, heads});
    }
    joined = Dense(weights, at + "attention.output.dense", width, width);
    joined_norm = RowNorm(weights, at + "attention.output.LayerNorm", width, s.epsilon);
    intermediate = Dense(weights, at + "intermediate.dense", width, inner);
    output = Dense(weights, at + "output.dense", inner, width);
    output_norm = RowNorm(weights, at + "output.LayerNorm", width, s.epsilon);
  }
};

/// Every new head is a mixture of the old ones. Shapes: x [heads * tokens, tokens], weight [heads,
/// heads].
void mix_heads(Matrix& x, std::span<const float> weight, std::int64_t heads) {
  const std::int64_t per_head = x.size() / heads;
  Matrix mixed(x.rows, x.width);
  multiply_plain(heads, per_head, heads, {weight.data(), heads}, {x.values.data(), per_head},
                 mixed.values.data(), per_head);
  x = std::move(mixed);
}

class Deberta final : public TextNetwork {
 public:
  Deberta(const NetworkSettings& settings, WeightSet weights)
      : s_(settings), weights_(std::move(weights)) {
    weights_.keep_below("deberta.");
    weights_.rename_endings("LayerNorm.gamma", "LayerNorm.weight");
    weights_.rename_endings("LayerNorm.beta", "LayerNorm.bias");
    words_ = weights_.floats("embeddings.word_embeddings.weight", {s_.vocabulary, s_.embedding});
    if (s_.has_absolute) {
      places_ =
          weights_.floats("embeddings.position_embeddings.weight", {s_.positions, s_.embedding});
    }
    if (s_.types > 0) {
      types_ = weights_.floats("embeddings.token_type_embeddings.weight", {s_.types, s_.embedding});
    }
    if (s_.embedding != s_.sizes.width) {
      widening_ = Dense(weights_, "embeddings.embed_proj", s_.embedding, s_.sizes.width, false);
    }
    norm_ = RowNorm(weights_, "embeddings.LayerNorm", s_.sizes.width, s_.epsilon);
    if (s_.has_relative) {
      distances_ = weights_.floats("encoder.rel_embeddings.weight", {2 * s_.reach, s_.sizes.width});
    }
    for (std::int64_t n = 0; n < s_.sizes.layers; ++n) {
      layers_.emplace_back(weights_, fmt::format("encoder.layer.{}.", n), s_);
    }
  }

  [[nodiscard]] std::int64_t width() const override { return s_.sizes.width; }

  [[nodiscard]] std::int64_t longest() const override {
    return s_.has_absolute ? s_.positions : kMostTokens;
  }

  [[nodiscard]] std::size_t layers() const override { return layers_.size(); }

  [[nodiscard]] Matrix embed(const TokenSequence& sequence) const override {
    const auto tokens = static_cast<std::int64_t>(sequence.ids.size());
    if (tokens > longest()) {
      throw DataError(
          fmt::format("its text has {} tokens, the network reads {}", tokens, longest()));
    }
    Matrix x(tokens, s_.embedding);
    for (std::int64_t i = 0; i < tokens; ++i) {
      const auto at = static_cast<std::size_t>(i);
      add_row(x.row(i), words_, sequence.ids[at], s_.vocabulary);
      if (s_.has_absolute) add_row(x.row(i), places_, i, s_.positions);
      if (s_.types > 0) {
        add_row(x.row(i), types_, sequence.types.empty() ? 0 : sequence.types[at], s_.types);
      }
    }
    if (s_.embedding != s_.sizes.width) x = widening_.apply(x);
    norm_.apply(x);
    for (std::int64_t i = 0; i < tokens && !sequence.mask.empty(); ++i) {
      if (sequence.mask[static_cast<std::size_t>(i)] == 0) std::fill_n(x.row(i), x.width, 0.0F);
    }
    return x;
  }

 private:
  void add_row(float* row, std::span<const float> table, std::int64_t index,
               std::int64_t rows) const {
    if (index < 0 || index >= rows) {
      throw DataError(fmt::format("{}: a token has the number {}, its table {} rows",
                                  weights_.name(), index, rows));
    }
    const float* from = table.data() + index * s_.embedding;
    for (std::int64_t j = 0; j < s_.embedding; ++j) row[j] += from[j];
  }

  [[nodiscard]] Matrix run_layer(std::size_t n, const Matrix& x,
                                 std::span<const TokenSequence> sequences,
                                 Matrix* attention) const override {
    const DebertaLayer& layer = layers_[n];
    Matrix y = layer.joined.apply(attend_over(layer, x, sequences, attention));
    add_to(y, x);
    layer.joined_norm.apply(y);
    Matrix inner = layer.intermediate.apply(y);
    activate(s_.activation, inner);
    Matrix z = layer.output.apply(inner);
    add_to(z, y);
    layer.output_norm.apply(z);
    return z;
  }

  [[nodiscard]] Matrix attend_over(const DebertaLayer& layer, const Matrix& x,
                                   std::span<const TokenSequence> sequences,
                                   Matrix* attention) const {
    const std::int64_t d = s_.sizes.head_width();
    const float scale = 1 / std::sqrt(static_cast<float>(d * (1 + s_.position_kinds)));
    Matrix u = layer.in_proj.apply(x);
    // A head's query, key and value lie side by side.
    for (std::int64_t i = 0; i < u.rows; ++i) {
      for (std::int64_t j = 0; j < s_.sizes.width; ++j) {
        float* head = u.row(i) + j / d * 3 * d;
        const auto at = static_cast<std::size_t>(j);
        head[j % d] = (head[j % d] + layer.q_bias[at]) * scale;
        head[2 * d + j % d] += layer.v_bias[at];
      }
    }
    const Distances distances = project_distances(layer, sequences);
    AttentionInput input;
    const std::int64_t stride = 3 * s_.sizes.width;
    input.head_stride = 3 * d;
    input.head_width = d;
    input.heads = s_.sizes.heads;
    const ScoreChange change_scores = [&](Matrix& scores) {
      if (s_.has_relative) add_distances(distances, input, scale, scores);
      if (s_.mixes_heads) mix_heads(scores, layer.mix_scores, s_.sizes.heads);
    };
    const ScoreChange change_shares = [&](Matrix& shares) {
      if (s_.mixes_heads) mix_heads(shares, layer.mix_shares, s_.sizes.heads);
      if (attention != nullptr) *attention = shares;
    };
    Matrix joined(x.rows, x.width);
    std::int64_t first = 0;
    for (const auto& sequence : sequences) {
      const float* row = u.row(first);
      input.query = {row, stride};
      input.key = {row + d, stride};
      input.value = {row + 2 * d, stride};
      input.tokens = static_cast<std::int64_t>(sequence.ids.size());
      const Matrix part = attend(input, sequence.mask, true, change_scores, change_shares);
      std::copy(part.values.begin(), part.values.end(), joined.row(first));
      first += input.tokens;
    }
    return joined;
  }

  /// A layer's projections of the distances -span .. span - 1.
  struct Distances {
    std::int64_t span = 0;
    Matrix for_queries;
    Matrix for_keys;
  };

  /// Distances as far as the longest sequence reaches.
  [[nodiscard]] Distances project_distances(const DebertaLayer& layer,
                                            std::span<const TokenSequence> sequences) const {
    Distances all;
    if (!s_.has_relative) return all;
    for (const auto& sequence : sequences) {
      all.span = std::max(all.span, static_cast<std::int64_t>(sequence.ids.size()));
    }
    all.span = std::min(all.span, s_.reach);
    const std::int64_t width = s_.sizes.width;
    const ConstRows rows{distances_.data() + (s_.reach - all.span) * width, width};
    if (s_.has_content_to_position) all.for_queries = layer.pos_proj.apply(rows, 2 * all.span);
    if (s_.has_position_to_content) all.for_keys = layer.pos_q_proj.apply(rows, 2 * all.span);
    return all;
  }

  /// Adds the scores of a query for the key's distance, and of a key for the query's.
  void add_distances(const Distances& distances, const AttentionInput& input, float scale,
                     Matrix& scores) const {
    const std::int64_t tokens = input.tokens;
    const std::int64_t width = s_.sizes.width;
    const std::int64_t span = std::min(tokens, s_.reach);
    const auto add_part = [&](const Matrix& projected, ConstRows from, bool is_query) {
      Matrix part(tokens, 2 * span);
      for (std::int64_t head = 0; head < input.heads; ++head) {
        multiply_transposed(tokens, 2 * span, input.head_width,
                            {from.data + head * input.head_stride, from.stride},
                            {projected.row(distances.span - span) + head * input.head_width, width},
                            part.values.data(), 2 * span, is_query ? 1 : scale);
        for (std::int64_t i = 0; i < tokens; ++i) {
          float* row = scores.row(head * tokens + i);
          for (std::int64_t j = 0; j < tokens; ++j) {
            const auto at = std::clamp<std::int64_t>(i - j + span, 0, 2 * span - 1);
            row[j] += part.row(is_query ? i : j)[at];
          }
        }
      }
    };
    if (s_.has_content_to_position) add_part(distances.for_queries, input.query, true);
    if (s_.has_position_to_content) add_part(distances.for_keys, input.key, false);
  }

  DebertaSettings s_;
  WeightSet weights_;
  std::span<const float> words_;
  std::span<const float> places_;
  std::span<const float> types_;
  std::span<const float> distances_;
  Dense widening_;
  RowNorm norm_;
  std::vector<DebertaLayer> layers_;
};

}  // namespace

std::unique_ptr<TextNetwork> make_deberta(const NetworkSettings& settings, WeightSet weights) {
  return std::make_unique<Deberta>(settings, std::move(weights));
}

}  // namespace hardy
