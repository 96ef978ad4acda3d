#include "export/onnx_export.h"

#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "export/onnx_writer.h"
#include "hardy/errors.h"
#include "hardy/version.h"
#include "inference/bundle_settings.h"
#include "inference/recogniser_impl.h"

namespace hardy {
namespace {

using predict::LinearView;
using predict::ModalityView;
using predict::NetworkView;
using predict::NormView;
using predict::OnnxGraph;
using predict::OnnxType;
using predict::ScalingView;
using predict::UnitView;

/// Added to the scores of absent keys: e^-1e9 is 0, and softmax of such scores alone is no NaN.
constexpr float kHidden = -1e9F;

/// Writes the network node by node.
class Exporter {
 public:
  Exporter(const NetworkView& network, const BundleInfo& info) : network_(network), info_(info) {}

  std::string run(const std::string& description) {
    const std::vector<predict::OnnxDimension> rows = {{0, "dialogues"}, {0, "utterances"}};
    const auto shape = [&](std::int64_t width) {
      auto dimensions = rows;
      dimensions.push_back({width});
      return dimensions;
    };
    for (const auto& [name, width] : info_.modalities) {
      graph_.input(name, OnnxType::kFloat, shape(width));
      graph_.input(name + "_mask", OnnxType::kFloat, rows);
    }
    if (network_.relation.by_speaker) graph_.input("speakers", OnnxType::kInt64, rows);
    one_ = graph_.scalar(1.0F);
    half_ = graph_.scalar(0.5F);
    last_ = axes({-1});
    if (network_.relation.entries() > 1) relation_ = relation_entries();
    std::vector<std::string> encoded;
    for (std::size_t m = 0; m < info_.modalities.size(); ++m) encoded.push_back(encode(m));
    const auto stacked = graph_.node("Concat", encoded, {{"axis", -1}});
    const auto hidden = graph_.node("Relu", {fusion(stacked)});
    const auto joint = graph_.node("Add", {stacked, hidden});
    apply(network_.classifier, joint, "classifier", "logits");
    graph_.output("logits", OnnxType::kFloat, shape(network_.outputs));
    if (info_.is_classification()) {
      graph_.node("Softmax", {"logits"}, {{"axis", -1}}, "raw_probabilities");
      graph_.node("Softmax", {graph_.node("Mul", {"logits", sharpness()})}, {{"axis", -1}},
                  "probabilities");
      graph_.output("probabilities", OnnxType::kFloat, shape(network_.outputs));
      graph_.output("raw_probabilities", OnnxType::kFloat, shape(network_.outputs));
    } else if (info_.label_kind == "labels") {
      graph_.node("Sigmoid", {"logits"}, {}, "probabilities");
      graph_.output("probabilities", OnnxType::kFloat, shape(network_.outputs));
    }
    return graph_.model(program_version(), {{"hardy.model", description}});
  }

 private:
  std::string axes(const std::vector<std::int64_t>& values) {
    return graph_.constant(fmt::format("axes_{}", constants_++),
                           {static_cast<std::int64_t>(values.size())}, values);
  }

  std::string vector(const float* values, std::int64_t width, const std::string& name) {
    return graph_.constant(name, {width},
                           std::span<const float>(values, static_cast<std::size_t>(width)));
  }

  /// W^T as a constant: MatMul multiplies rows by it. Shapes: W [out, in] -> [in, out].
  std::string transposed(const LinearView& layer, const std::string& name) {
    std::vector<float> values(static_cast<std::size_t>(layer.in * layer.out));
    for (std::int64_t o = 0; o < layer.out; ++o) {
      for (std::int64_t i = 0; i < layer.in; ++i) {
        values[static_cast<std::size_t>(i * layer.out + o)] = layer.weight[o * layer.in + i];
      }
    }
    return graph_.constant(name + ".weight", {layer.in, layer.out}, values);
  }

  std::string apply(const LinearView& layer, const std::string& x, const std::string& name,
                    const std::string& output = "") {
    const auto product = graph_.node("MatMul", {x, transposed(layer, name)});
    return graph_.node("Add", {product, vector(layer.bias, layer.out, name + ".bias")}, {}, output);
  }

  std::string normalise(const NormView& norm, const std::string& x, const std::string& name) {
    if (norm.weight == nullptr) return x;
    return graph_.node("LayerNormalization",
                       {x, vector(norm.weight, network_.hidden, name + ".weight"),
                        vector(norm.bias, network_.hidden, name + ".bias")},
                       {{"axis", -1}, {.name = "epsilon", .real = 1e-5F, .type = 1}});
  }

  std::string gelu(const std::string& x) {
    const auto scaled = graph_.node("Mul", {x, graph_.scalar(std::sqrt(0.5F))});
    const auto share = graph_.node("Add", {graph_.node("Erf", {scaled}), one_});
    return graph_.node("Mul", {graph_.node("Mul", {x, half_}), share});
  }

  /// Entries of the relation tables for every pair of utterances: [T,T], or [B,T,T] by speaker.
  std::string relation_entries() {
    const std::int64_t reach = network_.relation.reach;
    const auto shape = graph_.node("Shape", {info_.modalities[0].name + "_mask"});
    const auto length =
        graph_.node("Gather", {shape, graph_.scalar(std::int64_t{1})}, {{"axis", 0}});
    const auto places = graph_.node(
        "Range", {graph_.scalar(std::int64_t{0}), length, graph_.scalar(std::int64_t{1})});
    const auto keys = graph_.node("Unsqueeze", {places, axes({0})});
    const auto queries = graph_.node("Unsqueeze", {places, axes({1})});
    const auto distance = graph_.node("Sub", {keys, queries});
    const auto cut = graph_.node("Clip", {distance, graph_.scalar(-reach), graph_.scalar(reach)});
    const auto entry = graph_.node("Add", {cut, graph_.scalar(reach)});
    if (!network_.relation.by_speaker) return entry;
    const auto same = graph_.node("Equal", {graph_.node("Unsqueeze", {"speakers", axes({1})}),
                                            graph_.node("Unsqueeze", {"speakers", axes({2})})});
    const auto offset = graph_.node(
        "Mul", {graph_.node("Cast", {same}, {{"to", 7}}), graph_.scalar(2 * reach + 1)});
    return graph_.node("Add", {offset, entry});
  }

  /// The learned bias of one unit, [heads,T,T] or [B,heads,T,T].
  std::string relation_bias(const UnitView& unit, const std::string& name) {
    const std::int64_t entries = network_.relation.entries();
    const auto table = graph_.constant(
        name + ".relation", {network_.heads, entries},
        std::span<const float>(unit.relation, static_cast<std::size_t>(network_.heads * entries)));
    const auto bias = graph_.node("Gather", {table, relation_}, {{"axis", 1}});
    if (!network_.relation.by_speaker) return bias;
    return transpose(bias, {1, 0, 2, 3});
  }

  std::string transpose(const std::string& x, std::vector<std::int64_t> order) {
    return graph_.node("Transpose", {x},
                       {{.name = "perm", .integers = std::move(order), .type = 7}});
  }

  /// One of q, k, v by heads: [B,T,D] -> [B,T,heads,D/heads], permuted.
  std::string heads_of(const UnitView& unit, const std::string& x, int which,
                       const std::string& name, std::vector<std::int64_t> order) {
    const std::int64_t width = network_.hidden;
    const auto rows = apply(predict::output_rows(unit.qkv, which * width, width), x, name);
    const auto split =
        graph_.node("Reshape", {rows, axes({0, 0, network_.heads, width / network_.heads})});
    return transpose(split, std::move(order));
  }

  std::string attend(const UnitView& unit, const std::string& x, const std::string& hidden_keys,
                     const std::string& name) {
    const auto q = heads_of(unit, x, 0, name + ".q", {0, 2, 1, 3});
    const auto k = heads_of(unit, x, 1, name + ".k", {0, 2, 3, 1});
    const auto v = heads_of(unit, x, 2, name + ".v", {0, 2, 1, 3});
    const auto head_width = static_cast<float>(network_.hidden / network_.heads);
    auto scores = graph_.node(
        "Mul", {graph_.node("MatMul", {q, k}), graph_.scalar(1.0F / std::sqrt(head_width))});
    if (unit.relation != nullptr) {
      scores = graph_.node("Add", {scores, relation_bias(unit, name)});
    }
    const auto weights =
        graph_.node("Softmax", {graph_.node("Add", {scores, hidden_keys})}, {{"axis", -1}});
    const auto joined = transpose(graph_.node("MatMul", {weights, v}), {0, 2, 1, 3});
    return graph_.node("Reshape", {joined, axes({0, 0, network_.hidden})});
  }

  std::string run_unit(const UnitView& unit, const std::string& x, const std::string& hidden_keys,
                       const std::string& name) {
    const auto z = attend(unit, normalise(unit.norm1, x, name + ".norm1"), hidden_keys, name);
    const auto sum = graph_.node("Add", {x, z});
    const auto source =
        unit.norm1.weight == nullptr ? z : normalise(unit.norm2, sum, name + ".norm2");
    const auto inner = gelu(apply(unit.fc1, source, name + ".fc1"));
    return graph_.node("Add", {sum, apply(unit.fc2, inner, name + ".fc2")});
  }

  /// As predict::transform_input. Shapes: scaled [B,T,d_m] -> [B,T,d_m].
  std::string transform_input(const ModalityView& modality, const std::string& scaled,
                              const std::string& name) {
    if (!modality.reads_tuned()) return scaled;
    const auto inner = graph_.node("Relu", {apply(modality.tuning1, scaled, name + ".tuning1")});
    return apply(modality.tuning2, inner, name + ".tuning2");
  }

  /// Clips scaled features to the range of the model.
  std::string limit(const ScalingView& scaling, const std::string& scaled, std::int64_t width,
                    const std::string& name) {
    if (scaling.lowest == nullptr) return scaled;
    const auto raised =
        graph_.node("Max", {scaled, vector(scaling.lowest, width, name + ".lowest")});
    return graph_.node("Min", {raised, vector(scaling.highest, width, name + ".highest")});
  }

  /// z_m, zero where absent. Shapes: -> [B,T,D].
  std::string encode(std::size_t m) {
    const ModalityView& modality = network_.modalities[m];
    const std::string& name = info_.modalities[m].name;
    const std::int64_t width = modality.embed.in;
    const auto mask = graph_.node("Unsqueeze", {name + "_mask", last_});  // [B,T,1]
    const auto is_there = graph_.node("Greater", {mask, half_});
    const auto mean = vector(modality.scaling.mean, width, name + ".mean");
    const auto known = graph_.node("Where", {is_there, name, mean});
    const auto scaled =
        limit(modality.scaling,
              graph_.node("Div", {graph_.node("Sub", {known, mean}),
                                  vector(modality.scaling.deviation, width, name + ".deviation")}),
              width, name);
    const auto row_mask = graph_.node("Unsqueeze", {name + "_mask", axes({1, 2})});  // [B,1,1,T]
    const auto hidden_keys =
        graph_.node("Mul", {graph_.node("Sub", {one_, row_mask}), graph_.scalar(kHidden)});
    auto state = apply(modality.embed, transform_input(modality, scaled, name), name + ".embed");
    for (std::size_t u = 0; u < modality.units.size(); ++u) {
      state = run_unit(modality.units[u], state, hidden_keys, fmt::format("{}.{}", name, u));
    }
    state = normalise(modality.norm, state, name + ".norm");
    return graph_.node("Mul", {state, mask});
  }

  /// 1 / temperature of the modalities that each utterance has. Shapes: -> [B,T,1].
  std::string sharpness() {
    std::vector<float> table(std::size_t{1} << info_.modalities.size(), 1.0F);
    for (const auto& calibration : info_.calibrations) {
      table[calibration.pattern.bits()] = 1.0F / static_cast<float>(calibration.temperature);
    }
    std::string bits;
    for (std::size_t m = 0; m < info_.modalities.size(); ++m) {
      const auto is_there = graph_.node("Greater", {info_.modalities[m].name + "_mask", half_});
      const auto bit = graph_.node("Mul", {graph_.node("Cast", {is_there}, {{"to", 7}}),
                                           graph_.scalar(std::int64_t{1} << m)});
      bits = m == 0 ? bit : graph_.node("Add", {bits, bit});
    }
    const auto all =
        graph_.constant("calibration.sharpness", {static_cast<std::int64_t>(table.size())}, table);
    return graph_.node("Unsqueeze", {graph_.node("Gather", {all, bits}, {{"axis", 0}}), last_});
  }

  /// W J + b, the blocks of W side by side.
  std::string fusion(const std::string& stacked) {
    const std::int64_t width = network_.stacked();
    std::vector<float> weight;
    for (const auto& modality : network_.modalities) {
      for (std::int64_t i = 0; i < network_.hidden; ++i) {
        for (std::int64_t o = 0; o < width; ++o) {
          weight.push_back(modality.joint.weight[o * network_.hidden + i]);
        }
      }
    }
    const auto product =
        graph_.node("MatMul", {stacked, graph_.constant("joint.weight", {width, width}, weight)});
    return graph_.node("Add", {product, vector(network_.joint_bias, width, "joint.bias")});
  }

  const NetworkView& network_;
  const BundleInfo& info_;
  OnnxGraph graph_;
  std::int64_t constants_ = 0;
  std::string one_;
  std::string half_;
  std::string last_;
  std::string relation_;
};

}  // namespace

std::string export_onnx(const std::filesystem::path& bundle) {
  const Recogniser::Impl loaded(bundle, Residence::kMapped, Recogniser::Impl::Weights::kPlain);
  if (loaded.other != nullptr) {
    throw ConfigError(
        fmt::format("{}: a model of '{}', which cannot be exported; only recognisers of HARDY-MER "
                    "(and modality_dropout) can",
                    bundle.string(), stored_method(loaded.info)));
  }
  return Exporter(loaded.network, loaded.info).run(loaded.contents.metadata.at("hardy.model"));
}

}  // namespace hardy
