#include "formats/safetensors.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/tensor_header.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

[[noreturn]] void refuse_container(std::string_view name, const std::string& what) {
  throw ArtifactError(fmt::format("{}: not a usable safetensors file: {}", name, what));
}

void check_place(const TensorEntry& entry, std::size_t data_size, std::string_view name) {
  const bool lies_inside = entry.offsets.size() == 2 && entry.offsets[0] <= entry.offsets[1] &&
                           entry.offsets[1] <= data_size;
  if (!lies_inside) {
    refuse_container(name,
                     fmt::format("array '{}' reaches outside the file (truncated)", entry.name));
  }
  const std::size_t item = safetensors_item_size(entry.type);
  if (item == 0) return;  // refused on access
  std::uint64_t size = item;
  bool fits = true;
  for (const std::int64_t extent : entry.shape) {
    fits = fits && !__builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size);
  }
  if (!fits || size != entry.offsets[1] - entry.offsets[0]) {
    refuse_container(name, fmt::format("array '{}' has {} bytes, which its shape does not need",
                                       entry.name, entry.offsets[1] - entry.offsets[0]));
  }
}

}  // namespace

std::size_t safetensors_item_size(std::string_view type) {
  constexpr std::pair<std::string_view, std::size_t> kKnown[] = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
      {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};
  for (const auto& [known, size] : kKnown) {
    if (known == type) return size;
  }
  return 0;
}

std::map<std::string, ArrayView> view_safetensors(std::span<const std::byte> bytes,
                                                  std::string_view name) {
  std::uint64_t length = 0;
  if (bytes.size() < sizeof length) refuse_container(name, "it is shorter than its header");
  std::memcpy(&length, bytes.data(), sizeof length);
  const auto rest = bytes.subspan(sizeof length);
  if (length > rest.size() || length > kMaxTensorHeaderBytes) {
    refuse_container(
        name, fmt::format("its header claims {} bytes, the file has {}", length, bytes.size()));
  }
  const auto head = rest.first(static_cast<std::size_t>(length));
  const auto data = rest.subspan(head.size());
  TensorHeader header;
  const std::string problem =
      read_tensor_header({reinterpret_cast<const char*>(head.data()), head.size()}, header);
  if (!problem.empty()) refuse_container(name, "its header: " + problem);
  std::map<std::string, ArrayView> arrays;
  for (TensorEntry& entry : header.entries) {
    check_place(entry, data.size(), name);
    const auto first = static_cast<std::size_t>(entry.offsets[0]);
    arrays[entry.name] = {std::move(entry.type), std::move(entry.shape),
                          data.subspan(first, static_cast<std::size_t>(entry.offsets[1]) - first)};
  }
  return arrays;
}

}  // namespace hardy
