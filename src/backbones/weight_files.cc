// The containers behind WeightSet::open.
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "backbones/weight_set.h"
#include "base/checksum.h"
#include "base/files.h"
#include "formats/safetensors.h"
#include "formats/text.h"
#include "formats/torch_archive.h"
#include "hardy/errors.h"
#include "hardy/mapped_file.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Loaded = std::shared_ptr<std::vector<float>>;

constexpr std::size_t kLargestIndex = std::size_t{64} << 20;

template <typename Number>
Number read_as(const std::byte* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

/// A real number of a type under either container's name.
float widen(std::string_view type, const std::byte* from) {
  if (type == "F32") return read_as<float>(from);
  if (type == "F64") return static_cast<float>(read_as<double>(from));
  if (type == "F16") return half_to_float(read_as<std::uint16_t>(from));
  return std::bit_cast<float>(static_cast<std::uint32_t>(read_as<std::uint16_t>(from)) << 16U);
}

/// safetensors' name for a torch storage of real numbers; empty for others.
std::string_view real_type(std::string_view storage_type) {
  if (storage_type == "torch.FloatStorage") return "F32";
  if (storage_type == "torch.DoubleStorage") return "F64";
  if (storage_type == "torch.HalfStorage") return "F16";
  if (storage_type == "torch.BFloat16Storage") return "BF16";
  return {};
}

bool is_real(std::string_view type) {
  return type == "F32" || type == "F64" || type == "F16" || type == "BF16";
}

bool is_aligned(const std::byte* bytes) {
  return reinterpret_cast<std::uintptr_t>(bytes) % alignof(float) == 0;
}

/// Position of a tensor's values in its storage. Requires: checked against the storage's size.
struct Layout {
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::int64_t count = 1;
  bool is_contiguous = true;
};

/// The layout of a torch tensor in a storage of `held` values; nothing when it reaches outside.
std::optional<Layout> layout_of(const PickleValue& tensor, std::int64_t held) {
  Layout layout;
  layout.offset = tensor.items()[1]->integer();
  for (const PickleRef extent : tensor.items()[2]->items()) {
    layout.shape.push_back(extent->integer());
  }
  for (const PickleRef stride : tensor.items()[3]->items()) {
    layout.strides.push_back(stride->integer());
  }
  bool fits = layout.shape.size() == layout.strides.size() && layout.offset >= 0;
  std::int64_t last = layout.offset;
  for (std::size_t axis = layout.shape.size(); fits && axis-- > 0;) {
    std::int64_t reach = 0;
    const std::int64_t extent = layout.shape[axis];
    if (extent != 1 && layout.strides[axis] != layout.count) layout.is_contiguous = false;
    fits = extent >= 0 && layout.strides[axis] >= 0 &&
           !__builtin_mul_overflow(layout.count, extent, &layout.count) &&
           !__builtin_mul_overflow(extent - 1, layout.strides[axis], &reach) &&
           !__builtin_add_overflow(last, reach, &last);
  }
  if (!fits || layout.count > held || (layout.count > 0 && last >= held)) return std::nullopt;
  return layout;
}

Loaded gather_values(const Layout& layout, std::string_view type, const std::byte* first,
                     std::size_t item) {
  auto values = std::make_shared<std::vector<float>>();
  values->reserve(static_cast<std::size_t>(layout.count));
  std::vector<std::int64_t> index(layout.shape.size(), 0);
  std::int64_t at = layout.offset;
  for (std::int64_t n = 0; n < layout.count; ++n) {
    values->push_back(widen(type, first + static_cast<std::size_t>(at) * item));
    for (std::size_t axis = layout.shape.size(); axis-- > 0;) {
      at += layout.strides[axis];
      if (++index[axis] < layout.shape[axis]) break;
      at -= layout.strides[axis] * layout.shape[axis];
      index[axis] = 0;
    }
  }
  return values;
}

/// Plain data of a pickle as JSON; null for values without a JSON form.
Json json_of(const PickleValue& value) {
  switch (value.kind()) {
    case PickleKind::kBool:
      return value.integer() != 0;
    case PickleKind::kInteger:
      return value.integer();
    case PickleKind::kReal:
      return value.real();
    case PickleKind::kText:
    case PickleKind::kBytes:
      return value.text();
    case PickleKind::kList:
    case PickleKind::kTuple: {
      Json list = Json::array();
      for (const PickleRef item : value.items()) list.push_back(json_of(*item));
      return list;
    }
    case PickleKind::kDict: {
      Json object = Json::object();
      for (std::size_t i = 0; i + 1 < value.items().size(); i += 2) {
        const PickleValue& key = *value.items()[i];
        if (key.kind() == PickleKind::kText) object[key.text()] = json_of(*value.items()[i + 1]);
      }
      return object;
    }
    case PickleKind::kOpaque:
      return value.items().size() == 2 ? json_of(*value.items()[1]) : Json();
    default:
      return nullptr;
  }
}

const PickleValue* entry_of(const PickleValue& dict, std::string_view wanted) {
  if (dict.kind() != PickleKind::kDict) return nullptr;
  for (std::size_t i = 0; i + 1 < dict.items().size(); i += 2) {
    const PickleValue& key = *dict.items()[i];
    if (key.kind() == PickleKind::kText && key.bytes() == wanted) return dict.items()[i + 1];
  }
  return nullptr;
}

}  // namespace

/// Opens the files of one set. Their pages are released as soon as values are copied; a mapped file
/// is read again where it is needed.
class WeightFileReader {
 public:
  WeightSet read(const fs::path& path) {
    set_.name_ = path.string();
    add_path(path);
    set_.checksum_ = checksums_.size() == 1 ? checksums_[0]
                                            : sha256(fmt::format("{}", fmt::join(checksums_, " ")));
    return std::move(set_);
  }

 private:
  void add_path(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return add_path(file_of(path));
    if (path.string().ends_with(".index.json")) return add_index(path);
    add_file(path);
  }

  static fs::path file_of(const fs::path& folder) {
    constexpr const char* kNames[] = {"model.safetensors", "model.safetensors.index.json",
                                      "pytorch_model.bin", "pytorch_model.bin.index.json"};
    std::error_code ignored;
    for (const char* name : kNames) {
      if (fs::is_regular_file(folder / name, ignored)) return folder / name;
    }
    throw ArtifactError(
        fmt::format("{}: holds neither model.safetensors nor pytorch_model.bin", folder.string()));
  }

  void add_index(const fs::path& index) {
    std::set<std::string> parts;
    try {
      const auto json = Json::parse(read_text_file(index, kLargestIndex));
      for (const auto& part : json.at("weight_map")) parts.insert(part.get<std::string>());
    } catch (const Json::exception&) {
      throw ArtifactError(fmt::format("{}: no index of weights (weight_map)", index.string()));
    }
    for (const auto& part : parts) {
      if (fs::path(part).filename() != part || part.ends_with(".json")) {
        throw ArtifactError(
            fmt::format("{}: the part '{}' is no file beside it", index.string(), readable(part)));
      }
      add_file(index.parent_path() / part);
    }
  }

  void add_file(const fs::path& file) {
    const auto mapped = std::make_shared<MappedFile>(file);
    checksums_.push_back(sha256_file(file));
    const auto bytes = mapped->bytes();
    // A safetensors header starts with '{' after its length; no form of torch.save does.
    if (bytes.size() > 8 && static_cast<char>(bytes[8]) == '{') {
      add_safetensors(mapped, file.string());
    } else {
      add_torch(mapped, file.string());
    }
  }

  void add_entry(const std::string& key, std::vector<std::int64_t> shape,
                 std::function<std::span<const float>()> load, std::function<void()> forget) {
    if (set_.entries_.contains(key)) {
      throw ArtifactError(fmt::format("{}: the weights '{}' are given twice", set_.name_, key));
    }
    set_.entries_[key] = {std::move(shape), std::move(load), std::move(forget)};
  }

  void add_safetensors(const std::shared_ptr<MappedFile>& mapped, const std::string& name) {
    for (auto& [key, view] : view_safetensors(mapped->bytes(), name)) {
      auto shape = view.shape;
      auto own = std::make_shared<Loaded>();
      const auto forget = [mapped, view = view, own] {
        own->reset();
        mapped->release(view.bytes);
      };
      const auto load = [mapped, view = view, key = key, name, own] {
        if (!is_real(view.type)) {
          throw ArtifactError(
              fmt::format("{}: the weights '{}' are of the type {}; known are F64, "
                          "F32, F16 and BF16",
                          name, key, readable(view.type)));
        }
        const std::size_t item = safetensors_item_size(view.type);
        const std::size_t count = view.bytes.size() / item;
        if (view.type == "F32" && is_aligned(view.bytes.data())) {
          return std::span(reinterpret_cast<const float*>(view.bytes.data()), count);
        }
        if (*own == nullptr) {
          *own = std::make_shared<std::vector<float>>(count);
          for (std::size_t i = 0; i < count; ++i) {
            (**own)[i] = widen(view.type, view.bytes.data() + i * item);
          }
        }
        return std::span<const float>(**own);
      };
      add_entry(key, std::move(shape), load, forget);
    }
  }

  void add_torch(const std::shared_ptr<MappedFile>& mapped, const std::string& name) {
    auto archive = std::make_shared<TorchArchive>(mapped->bytes(), name, true);
    const PickleValue& root = archive->root();
    if (const PickleValue* arguments = entry_of(root, "args")) {
      set_.arguments_ = json_of(*arguments);
    }
    const PickleValue* weights = entry_of(root, "model");
    if (weights == nullptr) weights = entry_of(root, "state_dict");
    if (weights == nullptr) weights = &root;
    if (weights->kind() != PickleKind::kDict) {
      throw ArtifactError(
          fmt::format("{}: it holds {} instead of weights by name (a whole network instead of its "
                      "state_dict()?)",
                      name, weights->describe()));
    }
    const auto& items = weights->items();
    std::map<std::string, int> users;  // of each storage
    for (const PickleRef item : items) {
      if (item->kind() == PickleKind::kTensor) ++users[storage_key(*item)];
    }
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i]->kind() != PickleKind::kText || items[i + 1]->kind() != PickleKind::kTensor) {
        continue;
      }
      const bool is_alone = users[storage_key(*items[i + 1])] == 1;
      add_tensor(mapped, archive, items[i]->text(), *items[i + 1], is_alone);
    }
  }

  static std::string storage_key(const PickleValue& tensor) {
    return tensor.items()[0]->items()[1]->text();
  }

  void add_tensor(const std::shared_ptr<MappedFile>& mapped,
                  const std::shared_ptr<TorchArchive>& archive, const std::string& key,
                  const PickleValue& tensor, bool is_alone) {
    std::vector<std::int64_t> shape;
    for (const PickleRef extent : tensor.items()[2]->items()) shape.push_back(extent->integer());
    auto own = std::make_shared<Loaded>();
    const auto forget = [archive, storage = storage_key(tensor), own, is_alone] {
      own->reset();
      if (is_alone) archive->release(storage);
    };
    const auto load = [mapped, archive, name = set_.name_, key, &tensor, own] {
      if (*own != nullptr) return std::span<const float>(**own);
      const PickleValue& storage = *tensor.items()[0];
      const auto type = real_type(storage.items()[0]->global_name());
      if (type.empty()) {
        throw ArtifactError(fmt::format("{}: the weights '{}' are stored as {}", name, key,
                                        storage.items()[0]->global_name()));
      }
      const std::size_t item = safetensors_item_size(type);
      const auto bytes = archive->storage(storage.items()[1]->text());
      mapped->release(mapped->bytes());  // a storage of the zip form was copied
      const auto layout = layout_of(tensor, static_cast<std::int64_t>(bytes.size() / item));
      if (!layout) {
        throw ArtifactError(
            fmt::format("{}: the weights '{}' reach outside their storage", name, key));
      }
      const auto* first = bytes.data() + static_cast<std::size_t>(layout->offset) * item;
      if (type == "F32" && layout->is_contiguous && is_aligned(first)) {
        return std::span(reinterpret_cast<const float*>(first),
                         static_cast<std::size_t>(layout->count));
      }
      *own = gather_values(*layout, type, bytes.data(), item);
      return std::span<const float>(**own);
    };
    add_entry(key, std::move(shape), load, forget);
  }

  WeightSet set_;
  std::vector<std::string> checksums_;
};

WeightSet WeightSet::open(const fs::path& path) { return WeightFileReader().read(path); }

}  // namespace hardy
