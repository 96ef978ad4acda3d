// Small convolutional networks in the graph format of TensorFlow.js.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// A picture or the output of a layer: [height, width, channels] row-major.
struct FeatureMap {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 0;
  std::vector<float> values;
};

/// A graph of Placeholder, Const, Conv2D, _FusedConv2D (BiasAdd, Relu), DepthwiseConv2dNative,
/// MaxPool, AddV2, Relu, Mean over the picture, Softmax and Identity. Immutable after loading.
class GraphNetwork {
 public:
  /// `graph` is the model.json, `weights` its single .bin of float32. Throws ArtifactError naming a
  /// missing, damaged or unsupported part.
  GraphNetwork(std::string_view graph, std::string_view weights);

  /// Outputs of the nodes `wanted` for one input. Throws ArtifactError for an unknown name and for
  /// shapes that do not fit.
  [[nodiscard]] std::map<std::string, FeatureMap> run(const FeatureMap& input,
                                                      const std::vector<std::string>& wanted) const;

 private:
  struct Weight {
    std::vector<std::size_t> shape;
    std::vector<float> values;
    std::vector<float> panels;  ///< of a Conv2D: packed for products
  };

  struct Node {
    std::string name;
    std::string operation;
    std::vector<std::string> inputs;
    std::size_t stride = 1;
    std::size_t pool = 1;  ///< width of the MaxPool window
    bool is_same = false;  ///< padding SAME, else VALID
    bool has_relu = false;
  };

  // JSON arrays of weights and nodes, untyped because this header does not include JSON.
  void read_weights(const void* manifest, std::string_view weights);
  void read_nodes(const void* list);
  void pack_convolutions();

  static FeatureMap sized(const Node& node, const FeatureMap& in, std::size_t height,
                          std::size_t width, std::size_t channels, float value);
  static FeatureMap pool(const Node& node, const FeatureMap& in);
  [[nodiscard]] FeatureMap convolve(const Node& node, const FeatureMap& in) const;
  [[nodiscard]] FeatureMap convolve_depthwise(const Node& node, const FeatureMap& in) const;
  [[nodiscard]] FeatureMap apply(const Node& node,
                                 const std::map<std::string, FeatureMap>& maps) const;
  [[nodiscard]] const Weight& weight(const Node& node, std::size_t input) const;

  std::map<std::string, Weight> weights_;
  std::vector<Node> nodes_;  // sorted, inputs first
};

}  // namespace hardy
