#include "export/onnx_writer.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace hardy::predict {
namespace {

// Field numbers of onnx.proto (ONNX 1.12, IR version 8).
constexpr int kModelIrVersion = 1;
constexpr int kModelProducer = 2;
constexpr int kModelProducerVersion = 3;
constexpr int kModelGraph = 7;
constexpr int kModelOpset = 8;
constexpr int kModelProperties = 14;
constexpr int kGraphNode = 1;
constexpr int kGraphName = 2;
constexpr int kGraphInitializer = 5;
constexpr int kGraphInput = 11;
constexpr int kGraphOutput = 12;

constexpr std::int64_t kIrVersion = 8;
constexpr std::int64_t kOpset = 17;  // the first with LayerNormalization

template <typename Value>
std::string_view bytes_of(std::span<const Value> values) {
  static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

ProtoMessage tensor(const std::string& name, OnnxType type, const std::vector<std::int64_t>& shape,
                    std::string_view bytes) {
  ProtoMessage message;
  for (const auto size : shape) message.integer(1, size);
  message.integer(2, static_cast<std::int64_t>(type));
  message.text(8, name);
  message.text(9, bytes);
  return message;
}

}  // namespace

void ProtoMessage::varint(std::uint64_t value) {
  while (value >= 0x80) {
    bytes_ += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes_ += static_cast<char>(value);
}

void ProtoMessage::integer(int field, std::int64_t value) {
  varint(static_cast<std::uint64_t>(field) << 3);
  varint(static_cast<std::uint64_t>(value));
}

void ProtoMessage::text(int field, std::string_view bytes) {
  varint(static_cast<std::uint64_t>(field) << 3 | 2);
  varint(bytes.size());
  bytes_ += bytes;
}

void ProtoMessage::real(int field, float value) {
  varint(static_cast<std::uint64_t>(field) << 3 | 5);
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes_.append(raw, sizeof value);
}

ProtoMessage OnnxGraph::value_info(const std::string& name, OnnxType type,
                                   const std::vector<OnnxDimension>& shape) {
  ProtoMessage dimensions;
  for (const auto& each : shape) {
    ProtoMessage dimension;
    each.name.empty() ? dimension.integer(1, each.size) : dimension.text(2, each.name);
    dimensions.message(1, dimension);
  }
  ProtoMessage tensor_type;
  tensor_type.integer(1, static_cast<std::int64_t>(type));
  tensor_type.message(2, dimensions);
  ProtoMessage holder;
  holder.message(1, tensor_type);
  ProtoMessage info;
  info.text(1, name);
  info.message(2, holder);
  return info;
}

void OnnxGraph::input(const std::string& name, OnnxType type,
                      const std::vector<OnnxDimension>& shape) {
  others_.message(kGraphInput, value_info(name, type, shape));
}

void OnnxGraph::output(const std::string& name, OnnxType type,
                       const std::vector<OnnxDimension>& shape) {
  others_.message(kGraphOutput, value_info(name, type, shape));
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<std::int64_t>& shape,
                                std::span<const float> values) {
  others_.message(kGraphInitializer, tensor(name, OnnxType::kFloat, shape, bytes_of(values)));
  return name;
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<std::int64_t>& shape,
                                std::span<const std::int64_t> values) {
  others_.message(kGraphInitializer, tensor(name, OnnxType::kInt64, shape, bytes_of(values)));
  return name;
}

std::string OnnxGraph::scalar(float value) {
  return constant(fresh("number"), {}, std::span<const float>(&value, 1));
}

std::string OnnxGraph::scalar(std::int64_t value) {
  return constant(fresh("integer"), {}, std::span<const std::int64_t>(&value, 1));
}

std::string OnnxGraph::fresh(const std::string& stem) {
  return fmt::format("{}_{}", stem, next_++);
}

std::string OnnxGraph::node(const std::string& type, const std::vector<std::string>& inputs,
                            const std::vector<Attribute>& attributes, const std::string& output) {
  const auto name = output.empty() ? fresh(type) : output;
  ProtoMessage node;
  for (const auto& each : inputs) node.text(1, each);
  node.text(2, name);
  node.text(4, type);
  for (const auto& attribute : attributes) {
    ProtoMessage message;
    message.text(1, attribute.name);
    if (attribute.type == 1) message.real(2, attribute.real);
    if (attribute.type == 2) message.integer(3, attribute.integer);
    if (attribute.type == 7) {
      for (const auto value : attribute.integers) message.integer(8, value);
    }
    message.integer(20, attribute.type);
    node.message(5, message);
  }
  nodes_.message(kGraphNode, node);
  return name;
}

std::string OnnxGraph::model(
    const std::string& producer_version,
    const std::vector<std::pair<std::string, std::string>>& properties) const {
  // Messages may be concatenated: nodes, then everything else of the graph.
  ProtoMessage name;
  name.text(kGraphName, "hardy");
  ProtoMessage opset;
  opset.text(1, "");
  opset.integer(2, kOpset);
  ProtoMessage model;
  model.integer(kModelIrVersion, kIrVersion);
  model.text(kModelProducer, "hardy");
  model.text(kModelProducerVersion, producer_version);
  model.text(kModelGraph, nodes_.bytes() + name.bytes() + others_.bytes());
  model.message(kModelOpset, opset);
  for (const auto& [key, value] : properties) {
    ProtoMessage entry;
    entry.text(1, key);
    entry.text(2, value);
    model.message(kModelProperties, entry);
  }
  return model.bytes();
}

}  // namespace hardy::predict
