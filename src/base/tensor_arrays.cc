// Arrays of tensor files by name and type.
#include <fmt/format.h>

#include "hardy/errors.h"
#include "hardy/tensor_file.h"

namespace hardy {
namespace {

std::string_view stored_type(const NamedArray& array) {
  constexpr std::string_view kTypes[] = {"F32", "I64", "U8"};
  return kTypes[array.values.index()];
}

/// An array of a TensorFile or of a view.
template <typename File>
const auto& find_array(const File& contents, const std::string& name) {
  const auto found = contents.arrays.find(name);
  if (found == contents.arrays.end()) {
    throw ArtifactError(
        fmt::format("the file holds no array '{}'; it may come from another "
                    "version or another kind of model",
                    name));
  }
  return found->second;
}

[[noreturn]] void wrong_type(const std::string& name, std::string_view type, const char* wanted) {
  throw ArtifactError(fmt::format("array '{}' is of type {}, wanted is {}", name, type, wanted));
}

template <typename Value>
std::span<const Value> values_of(const TensorFile& contents, const std::string& name,
                                 const char* wanted) {
  const NamedArray& array = find_array(contents, name);
  const auto* values = std::get_if<std::vector<Value>>(&array.values);
  if (values == nullptr) wrong_type(name, stored_type(array), wanted);
  return *values;
}

template <typename Value>
std::span<const Value> values_of(const TensorFileView& contents, const std::string& name,
                                 const char* wanted) {
  const ArrayView& array = find_array(contents, name);
  if (array.type != wanted) wrong_type(name, array.type, wanted);
  if (reinterpret_cast<std::uintptr_t>(array.bytes.data()) % alignof(Value) != 0) {
    throw ArtifactError(
        fmt::format("array '{}' does not start at a multiple of {} bytes; "
                    "write the file again with hardy",
                    name, alignof(Value)));
  }
  return {reinterpret_cast<const Value*>(array.bytes.data()), array.bytes.size() / sizeof(Value)};
}

}  // namespace

std::span<const float> TensorFile::floats(const std::string& name) const {
  return values_of<float>(*this, name, "F32");
}

std::span<const std::int64_t> TensorFile::integers(const std::string& name) const {
  return values_of<std::int64_t>(*this, name, "I64");
}

const std::vector<std::int64_t>& TensorFile::shape(const std::string& name) const {
  return find_array(*this, name).shape;
}

const std::string& TensorFile::text(const std::string& metadata_name) const {
  const auto found = metadata.find(metadata_name);
  if (found == metadata.end()) {
    throw ArtifactError(fmt::format("the file holds no text '{}'", metadata_name));
  }
  return found->second;
}

std::span<const float> TensorFileView::floats(const std::string& name) const {
  return values_of<float>(*this, name, "F32");
}

std::span<const std::int64_t> TensorFileView::integers(const std::string& name) const {
  return values_of<std::int64_t>(*this, name, "I64");
}

const std::vector<std::int64_t>& TensorFileView::shape(const std::string& name) const {
  return find_array(*this, name).shape;
}

}  // namespace hardy
