#include "media/graph_network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "hardy/errors.h"
#include "kernels/panels.h"

namespace hardy {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kLargestMap = std::size_t{1} << 24;

/// Decodes the text attributes of a graph ("SAME", "Relu"), which are base64.
std::string from_base64(const std::string& text) {
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char letter : text) {
    const auto value = kBase64.find(letter);
    if (value == std::string_view::npos) break;
    bits = (bits << 6U | static_cast<unsigned>(value)) & 0xFFFFU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xFFU);
  }
  return bytes;
}

/// Second entry of an attribute's list of integers, e.g. the vertical stride.
std::size_t list_entry(const Json& attributes, const char* key) {
  if (!attributes.contains(key)) return 1;
  const auto& list = attributes.at(key).at("list").at("i");
  const auto& entry = list.at(1);
  const int value = entry.is_string() ? std::stoi(entry.get<std::string>()) : entry.get<int>();
  if (value < 1 || value > 64) throw ArtifactError(fmt::format("{} of {}", key, value));
  return static_cast<std::size_t>(value);
}

/// Start and number of windows by TensorFlow's rule.
struct Windows {
  std::size_t count = 0;
  std::ptrdiff_t before = 0;  ///< padding before the first value
};

Windows windows_of(std::size_t size, std::size_t width, std::size_t stride, bool is_same) {
  if (!is_same) return {size < width ? 0 : (size - width) / stride + 1, 0};
  const std::size_t count = (size + stride - 1) / stride;
  const std::size_t needed = (count - 1) * stride + width;
  return {count, needed > size ? static_cast<std::ptrdiff_t>((needed - size) / 2) : 0};
}

FeatureMap make_map(std::size_t height, std::size_t width, std::size_t channels, float value) {
  if (height == 0 || width == 0 || channels == 0 || height * width > kLargestMap / channels) {
    throw ArtifactError("a layer has an impossible size");
  }
  return {height, width, channels, std::vector<float>(height * width * channels, value)};
}

/// Calls visit(output position, input position, kernel position) for every pair inside the picture.
template <typename Visit>
void each_tap(const FeatureMap& in, const FeatureMap& out, std::size_t kernel_h,
              std::size_t kernel_w, std::size_t stride, bool is_same, const Visit& visit) {
  const auto rows = windows_of(in.height, kernel_h, stride, is_same);
  const auto columns = windows_of(in.width, kernel_w, stride, is_same);
  for (std::size_t y = 0; y < out.height; ++y) {
    for (std::size_t x = 0; x < out.width; ++x) {
      for (std::size_t ky = 0; ky < kernel_h; ++ky) {
        const auto iy = static_cast<std::ptrdiff_t>(y * stride + ky) - rows.before;
        if (iy < 0 || iy >= static_cast<std::ptrdiff_t>(in.height)) continue;
        for (std::size_t kx = 0; kx < kernel_w; ++kx) {
          const auto ix = static_cast<std::ptrdiff_t>(x * stride + kx) - columns.before;
          if (ix < 0 || ix >= static_cast<std::ptrdiff_t>(in.width)) continue;
          visit(y * out.width + x,
                static_cast<std::size_t>(iy) * in.width + static_cast<std::size_t>(ix),
                ky * kernel_w + kx);
        }
      }
    }
  }
}

std::int64_t signed_size(std::size_t size) { return static_cast<std::int64_t>(size); }

FeatureMap softmax(FeatureMap map) {
  const float top = *std::max_element(map.values.begin(), map.values.end());
  float sum = 0;
  for (float& value : map.values) sum += value = std::exp(value - top);
  for (float& value : map.values) value /= sum;
  return map;
}

FeatureMap mean_of_picture(const FeatureMap& in) {
  FeatureMap out = make_map(1, 1, in.channels, 0);
  for (std::size_t i = 0; i < in.values.size(); ++i) out.values[i % in.channels] += in.values[i];
  for (float& value : out.values) value /= static_cast<float>(in.height * in.width);
  return out;
}

}  // namespace

GraphNetwork::GraphNetwork(std::string_view graph, std::string_view weights) {
  try {
    const Json json = Json::parse(graph);
    read_weights(&json.at("weightsManifest").at(0).at("weights"), weights);
    read_nodes(&json.at("modelTopology").at("node"));
    pack_convolutions();
  } catch (const nlohmann::json::exception& error) {
    throw ArtifactError(fmt::format("the network's description is damaged: {}", error.what()));
  } catch (const std::logic_error& error) {  // std::stoi
    throw ArtifactError(fmt::format("the network's description is damaged: {}", error.what()));
  }
}

void GraphNetwork::read_weights(const void* manifest, std::string_view weights) {
  std::size_t offset = 0;
  for (const auto& entry : *static_cast<const Json*>(manifest)) {
    Weight weight;
    weight.shape = entry.at("shape").get<std::vector<std::size_t>>();
    std::size_t count = 1;
    for (const auto length : weight.shape) {
      if (length == 0 || count > weights.size() / length)
        throw ArtifactError("an impossible shape");
      count *= length;
    }
    const bool is_float = entry.at("dtype") == "float32";
    if (!is_float && entry.at("dtype") != "int32") throw ArtifactError("weights are not float32");
    if (count * sizeof(float) > weights.size() - offset) throw ArtifactError("weights are cut off");
    weight.values.resize(count);
    if (is_float) std::memcpy(weight.values.data(), weights.data() + offset, count * sizeof(float));
    offset += count * sizeof(float);
    weights_.emplace(entry.at("name").get<std::string>(), std::move(weight));
  }
  if (offset != weights.size()) throw ArtifactError("there are more weights than names");
}

void GraphNetwork::read_nodes(const void* list) {
  for (const auto& entry : *static_cast<const Json*>(list)) {
    Node node;
    entry.at("name").get_to(node.name);
    entry.at("op").get_to(node.operation);
    if (node.operation == "Const") continue;
    if (entry.contains("input")) entry.at("input").get_to(node.inputs);
    const Json attributes = entry.value("attr", Json::object());
    node.stride = list_entry(attributes, "strides");
    node.pool = list_entry(attributes, "ksize");
    if (list_entry(attributes, "dilations") != 1) throw ArtifactError("a dilated convolution");
    if (attributes.contains("padding")) {
      node.is_same = from_base64(attributes.at("padding").at("s").get<std::string>()) == "SAME";
    }
    if (attributes.contains("fused_ops")) {
      for (const auto& fused : attributes.at("fused_ops").at("list").value("s", Json::array())) {
        node.has_relu = node.has_relu || from_base64(fused.get<std::string>()) == "Relu";
      }
    }
    nodes_.push_back(std::move(node));
  }
}

void GraphNetwork::pack_convolutions() {
  for (const auto& node : nodes_) {
    if (node.operation != "Conv2D" && node.operation != "_FusedConv2D") continue;
    const auto found = node.inputs.size() > 1 ? weights_.find(node.inputs[1]) : weights_.end();
    if (found == weights_.end() || found->second.shape.size() != 4) continue;  // refused when run
    Weight& kernel = found->second;
    const auto& shape = kernel.shape;
    const std::int64_t inner = signed_size(shape[0] * shape[1] * shape[2]);
    const std::int64_t out = signed_size(shape[3]);
    kernel.panels.resize(static_cast<std::size_t>(predict::packed_size(inner, out)));
    predict::pack_columns({kernel.values.data(), out}, inner, out, kernel.panels.data());
  }
}

const GraphNetwork::Weight& GraphNetwork::weight(const Node& node, std::size_t input) const {
  const auto found =
      input < node.inputs.size() ? weights_.find(node.inputs[input]) : weights_.end();
  if (found == weights_.end()) {
    throw ArtifactError(fmt::format("layer '{}' lacks its weights", node.name));
  }
  return found->second;
}

FeatureMap GraphNetwork::sized(const Node& node, const FeatureMap& in, std::size_t height,
                               std::size_t width, std::size_t channels, float value) {
  return make_map(windows_of(in.height, height, node.stride, node.is_same).count,
                  windows_of(in.width, width, node.stride, node.is_same).count, channels, value);
}

FeatureMap GraphNetwork::convolve(const Node& node, const FeatureMap& in) const {
  const Weight& kernel = weight(node, 1);
  if (kernel.shape.size() != 4 || kernel.shape[2] != in.channels) {
    throw ArtifactError(fmt::format("layer '{}' does not fit its input", node.name));
  }
  const std::size_t channels = kernel.shape[3];
  FeatureMap out = sized(node, in, kernel.shape[0], kernel.shape[1], channels, 0);
  const float* bias = nullptr;
  if (node.inputs.size() > 2) {
    const auto& values = weight(node, 2).values;
    if (values.size() != channels) throw ArtifactError("a bias of another size");
    bias = values.data();
  }
  const std::size_t taps = kernel.shape[0] * kernel.shape[1];
  const std::size_t inner = taps * in.channels;
  const std::size_t places = out.height * out.width;
  std::vector<float> unfolded;  // the window of each output, one row each
  if (taps > 1 || node.stride > 1) {
    unfolded.resize(places * inner);
    each_tap(in, out, kernel.shape[0], kernel.shape[1], node.stride, node.is_same,
             [&](std::size_t to, std::size_t from, std::size_t tap) {
               std::copy_n(in.values.data() + from * in.channels, in.channels,
                           unfolded.data() + to * inner + tap * in.channels);
             });
  }
  predict::multiply(
      {unfolded.empty() ? in.values.data() : unfolded.data(), signed_size(inner)},
      signed_size(places),
      {kernel.panels.data(), signed_size(inner), signed_size(channels), predict::panel_width()},
      bias, {out.values.data(), signed_size(channels)}, false);
  return out;
}

FeatureMap GraphNetwork::convolve_depthwise(const Node& node, const FeatureMap& in) const {
  const Weight& kernel = weight(node, 1);
  if (kernel.shape.size() != 4 || kernel.shape[2] != in.channels || kernel.shape[3] != 1) {
    throw ArtifactError(fmt::format("layer '{}' does not fit its input", node.name));
  }
  FeatureMap out = sized(node, in, kernel.shape[0], kernel.shape[1], in.channels, 0);
  each_tap(in, out, kernel.shape[0], kernel.shape[1], node.stride, node.is_same,
           [&](std::size_t to, std::size_t from, std::size_t tap) {
             float* sums = out.values.data() + to * in.channels;
             const float* values = in.values.data() + from * in.channels;
             const float* weights = kernel.values.data() + tap * in.channels;
             for (std::size_t c = 0; c < in.channels; ++c) sums[c] += values[c] * weights[c];
           });
  return out;
}

FeatureMap GraphNetwork::pool(const Node& node, const FeatureMap& in) {
  FeatureMap out =
      sized(node, in, node.pool, node.pool, in.channels, std::numeric_limits<float>::lowest());
  each_tap(in, out, node.pool, node.pool, node.stride, node.is_same,
           [&](std::size_t to, std::size_t from, std::size_t) {
             for (std::size_t c = 0; c < in.channels; ++c) {
               float& top = out.values[to * in.channels + c];
               top = std::max(top, in.values[from * in.channels + c]);
             }
           });
  return out;
}

FeatureMap GraphNetwork::apply(const Node& node,
                               const std::map<std::string, FeatureMap>& maps) const {
  const auto input = [&](std::size_t i) -> const FeatureMap& {
    const auto found = i < node.inputs.size() ? maps.find(node.inputs[i]) : maps.end();
    if (found == maps.end()) {
      throw ArtifactError(fmt::format("layer '{}' comes before its inputs", node.name));
    }
    return found->second;
  };
  const FeatureMap& in = input(0);
  FeatureMap out;
  if (node.operation == "Conv2D" || node.operation == "_FusedConv2D") {
    out = convolve(node, in);
  } else if (node.operation == "DepthwiseConv2dNative") {
    out = convolve_depthwise(node, in);
  } else if (node.operation == "MaxPool") {
    out = pool(node, in);
  } else if (node.operation == "AddV2") {
    out = in;
    const FeatureMap& other = input(1);
    if (other.values.size() != out.values.size()) throw ArtifactError("a sum of different sizes");
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] += other.values[i];
  } else if (node.operation == "Mean") {
    out = mean_of_picture(in);
  } else if (node.operation == "Softmax") {
    out = softmax(in);
  } else if (node.operation == "Relu" || node.operation == "Identity") {
    out = in;
  } else {
    throw ArtifactError(fmt::format("the operation '{}' is unknown", node.operation));
  }
  if (node.has_relu || node.operation == "Relu") {
    for (float& value : out.values) value = std::max(value, 0.0F);
  }
  return out;
}

std::map<std::string, FeatureMap> GraphNetwork::run(const FeatureMap& input,
                                                    const std::vector<std::string>& wanted) const {
  std::map<std::string, FeatureMap> maps;
  for (const auto& node : nodes_) {
    maps.emplace(node.name, node.operation == "Placeholder" ? input : apply(node, maps));
  }
  std::map<std::string, FeatureMap> outputs;
  for (const auto& name : wanted) {
    const auto found = maps.find(name);
    if (found == maps.end()) {
      throw ArtifactError(fmt::format("the network has no layer '{}'", name));
    }
    outputs.emplace(name, std::move(found->second));
  }
  return outputs;
}

}  // namespace hardy
