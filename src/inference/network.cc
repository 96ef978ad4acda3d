#include "inference/network.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hardy/errors.h"

namespace hardy::predict {
namespace {

/// Finds arrays and checks their shapes.
class Finder {
 public:
  Finder(const TensorFileView& file, std::string prefix)
      : file_(file), prefix_(std::move(prefix)) {}

  [[nodiscard]] const float* array(const std::string& name,
                                   const std::vector<std::int64_t>& shape) const {
    return whole(prefix_ + name, shape);
  }

  /// An array outside of the prefix.
  [[nodiscard]] const float* whole(const std::string& name,
                                   const std::vector<std::int64_t>& shape) const {
    const auto& found = file_.shape(name);
    if (found != shape) {
      throw ArtifactError(
          fmt::format("array '{}' has shape [{}], expected [{}]: the file's description belongs to "
                      "another model",
                      name, fmt::join(found, ","), fmt::join(shape, ",")));
    }
    return file_.floats(name).data();
  }

  [[nodiscard]] LinearView layer(const std::string& name, std::int64_t in, std::int64_t out,
                                 bool has_bias = true) const {
    return {array(name + ".weight", {out, in}), has_bias ? array(name + ".bias", {out}) : nullptr,
            in, out};
  }

  /// A layer outside of the prefix.
  [[nodiscard]] LinearView whole_layer(const std::string& name, std::int64_t in,
                                       std::int64_t out) const {
    return {whole(name + ".weight", {out, in}), whole(name + ".bias", {out}), in, out};
  }

  [[nodiscard]] NormView norm(const std::string& name, std::int64_t width) const {
    return {array(name + ".weight", {width}), array(name + ".bias", {width})};
  }

 private:
  const TensorFileView& file_;
  std::string prefix_;
};

UnitView make_unit(const Finder& find, const std::string& name, const EncoderConfig& encoder,
                   const RelationForm& relation) {
  const std::int64_t width = encoder.hidden;
  UnitView unit;
  unit.qkv = find.layer(name + ".qkv", width, 3 * width);
  unit.q = output_rows(unit.qkv, 0, width);
  unit.k = output_rows(unit.qkv, width, width);
  unit.v = output_rows(unit.qkv, 2 * width, width);
  unit.fc1 = find.layer(name + ".fc1", width, width);
  unit.fc2 = find.layer(name + ".fc2", width, width);
  if (encoder.norm == Norm::kLayer) {
    unit.norm1 = find.norm(name + ".norm1", width);
    unit.norm2 = find.norm(name + ".norm2", width);
  }
  if (relation.entries() > 1) {
    unit.relation = find.array(name + ".relation", {encoder.heads, relation.entries()});
  }
  return unit;
}

ScalingView find_scaling(const Finder& find, const std::string& modality, std::int64_t width,
                         const BundleInfo& info) {
  const auto name = "scaling." + modality;
  ScalingView scaling;
  scaling.mean = find.whole(name + ".mean", {width});
  scaling.deviation = find.whole(name + ".deviation", {width});
  if (info.limits_features) {
    scaling.lowest = find.whole(name + ".lowest", {width});
    scaling.highest = find.whole(name + ".highest", {width});
  }
  return scaling;
}

}  // namespace

std::int64_t RelationForm::entry(std::int64_t distance, bool same_speaker) const {
  const std::int64_t place = std::clamp(distance, -reach, reach) + reach;
  return place + (by_speaker && same_speaker ? 2 * reach + 1 : 0);
}

NetworkView make_inputs(const TensorFileView& file, const BundleInfo& info) {
  const Finder find(file, "");
  NetworkView network;
  network.outputs = info.outputs();
  for (const auto& [name, width] : info.modalities) {
    ModalityView modality;
    modality.scaling = find_scaling(find, name, width, info);
    modality.embed.in = width;
    network.modalities.push_back(std::move(modality));
  }
  return network;
}

NetworkView make_network(const TensorFileView& file, const std::string& prefix,
                         const BundleInfo& info) {
  const EncoderConfig& encoder = info.encoder;
  const Finder find(file, prefix);
  NetworkView network;
  network.hidden = encoder.hidden;
  network.heads = encoder.heads;
  network.outputs = info.outputs();
  network.is_linear_decoder = encoder.decoder == Decoder::kLinear;
  network.relation = {encoder.position == Position::kRelative ? kRelationReach : 0,
                      encoder.speaker == SpeakerBias::kRelation};
  const auto stacked = encoder.hidden * static_cast<std::int64_t>(info.modalities.size());
  std::int64_t decoder_in = stacked;
  if (!network.is_linear_decoder) {
    network.decoder_hidden = find.layer("decoder.hidden", stacked, encoder.decoder_width);
    decoder_in = encoder.decoder_width;
  }
  for (const auto& [name, width] : info.modalities) {
    ModalityView modality;
    modality.scaling = find_scaling(find, name, width, info);
    if (info.reads_tuned) {
      const auto net = "tuning." + name;
      modality.tuning1 = find.whole_layer(net + ".adapter1", width, width);
      modality.tuning2 = find.whole_layer(net + ".adapter2", width, width);
    }
    modality.embed = find.layer("embed." + name, width, encoder.hidden);
    for (std::int64_t depth = 0; depth < encoder.depth; ++depth) {
      modality.units.push_back(
          make_unit(find, fmt::format("expert.{}.{}", name, depth), encoder, network.relation));
    }
    if (encoder.norm == Norm::kLayer) {
      modality.norm = find.norm("expert." + name + ".norm", encoder.hidden);
    }
    modality.joint = find.layer("joint." + name, encoder.hidden, stacked, false);
    modality.decoder = find.layer("decoder." + name, decoder_in, width);
    network.modalities.push_back(std::move(modality));
  }
  network.joint_bias = find.array("joint.bias", {stacked});
  network.classifier = find.layer("classifier", stacked, network.outputs);
  return network;
}

}  // namespace hardy::predict
