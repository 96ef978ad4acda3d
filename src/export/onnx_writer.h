// Writes ONNX models: the protobuf messages of onnx.proto that the exported graphs need. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hardy::predict {

/// One protobuf message under construction (wire format: protobuf.dev/programming-guides/encoding).
class ProtoMessage {
 public:
  void integer(int field, std::int64_t value);
  void text(int field, std::string_view bytes);
  void real(int field, float value);

  void message(int field, const ProtoMessage& inner) { text(field, inner.bytes_); }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value);

  std::string bytes_;
};

/// A dimension: a number, or a name if it is free.
struct OnnxDimension {
  std::int64_t size = 0;
  std::string name = {};
};

enum class OnnxType { kFloat = 1, kInt64 = 7 };

/// A graph under construction. Nodes must follow their inputs. Names of values are unique.
class OnnxGraph {
 public:
  void input(const std::string& name, OnnxType type, const std::vector<OnnxDimension>& shape);
  void output(const std::string& name, OnnxType type, const std::vector<OnnxDimension>& shape);

  /// A constant; returns its name.
  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       std::span<const float> values);
  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       std::span<const std::int64_t> values);
  std::string scalar(float value);
  std::string scalar(std::int64_t value);

  struct Attribute {
    std::string name;
    std::int64_t integer = 0;
    std::vector<std::int64_t> integers = {};
    float real = 0;
    int type = 2;  ///< AttributeProto.AttributeType: 1 FLOAT, 2 INT, 7 INTS
  };

  /// Adds a node with one output and returns the output's name.
  std::string node(const std::string& type, const std::vector<std::string>& inputs,
                   const std::vector<Attribute>& attributes = {}, const std::string& output = "");

  /// The whole model as the bytes of an .onnx file.
  [[nodiscard]] std::string model(
      const std::string& producer_version,
      const std::vector<std::pair<std::string, std::string>>& properties) const;

 private:
  std::string fresh(const std::string& stem);
  static ProtoMessage value_info(const std::string& name, OnnxType type,
                                 const std::vector<OnnxDimension>& shape);

  ProtoMessage nodes_;
  ProtoMessage others_;
  std::int64_t next_ = 0;
};

}  // namespace hardy::predict
