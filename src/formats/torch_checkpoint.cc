#include "formats/torch_checkpoint.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/files.h"
#include "formats/pickle.h"
#include "formats/text.h"
#include "formats/torch_archive.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// Most bytes decoded, as a multiple of the file's own size, beyond a free amount.
constexpr std::uint64_t kMaxExpansion = 64;
constexpr std::uint64_t kFreeUnpackedBytes = std::uint64_t{1} << 20;

[[noreturn]] void refuse_checkpoint(std::string_view name, const std::string& what) {
  throw ArtifactError(fmt::format("{}: not a usable PyTorch checkpoint: {}", name, what));
}

template <typename Number>
Number read_number(const std::byte* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return number;
}

float read_real(std::string_view type, const std::byte* from) {
  if (type == "torch.FloatStorage") return read_number<float>(from);
  if (type == "torch.DoubleStorage") return static_cast<float>(read_number<double>(from));
  if (type == "torch.HalfStorage") return half_to_float(read_number<std::uint16_t>(from));
  return std::bit_cast<float>(static_cast<std::uint32_t>(read_number<std::uint16_t>(from)) << 16U);
}

std::int64_t read_integer(std::string_view type, const std::byte* from) {
  if (type == "torch.LongStorage") return read_number<std::int64_t>(from);
  if (type == "torch.IntStorage") return read_number<std::int32_t>(from);
  if (type == "torch.ShortStorage") return read_number<std::int16_t>(from);
  if (type == "torch.CharStorage") return read_number<std::int8_t>(from);
  return read_number<std::uint8_t>(from);
}

bool is_real_type(std::string_view type) {
  return type == "torch.FloatStorage" || type == "torch.DoubleStorage" ||
         type == "torch.HalfStorage" || type == "torch.BFloat16Storage";
}

/// Position of a tensor's elements in its storage.
struct View {
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::int64_t count = 1;
};

/// Collects the tensors of one checkpoint.
class CheckpointReader {
 public:
  CheckpointReader(std::span<const std::byte> bytes, std::string_view name)
      : name_(name),
        archive_(bytes, name, false),
        budget_(kFreeUnpackedBytes + kMaxExpansion * bytes.size()) {}

  TensorFile read() {
    collect("", archive_.root());
    if (result_.arrays.empty())
      refuse_checkpoint(name_, "it holds no tensor by name (is it a state dict?)");
    return std::move(result_);
  }

 private:
  void collect(const std::string& path, const PickleValue& value) {
    if (value.kind() == PickleKind::kTensor) {
      if (path.empty()) refuse_checkpoint(name_, "it holds a single tensor without a name");
      if (result_.arrays.contains(path)) {
        refuse_checkpoint(name_, fmt::format("the name '{}' is given twice", path));
      }
      result_.arrays[path] = read_tensor(path, value);
      return;
    }
    if (value.kind() != PickleKind::kDict) return;
    const auto& items = value.items();
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i]->kind() != PickleKind::kText) continue;
      collect(path.empty() ? items[i]->text() : path + "." + items[i]->text(), *items[i + 1]);
    }
  }

  View read_view(const std::string& path, const PickleValue& tensor, std::int64_t held) const {
    View view;
    view.offset = tensor.items()[1]->integer();
    for (const PickleRef extent : tensor.items()[2]->items()) {
      view.shape.push_back(extent->integer());
    }
    for (const PickleRef stride : tensor.items()[3]->items()) {
      view.strides.push_back(stride->integer());
    }
    std::int64_t last = view.offset;
    bool fits =
        view.shape.size() == view.strides.size() && view.offset >= 0 && view.shape.size() <= 16;
    for (std::size_t axis = 0; fits && axis < view.shape.size(); ++axis) {
      std::int64_t reach = 0;
      fits = view.shape[axis] >= 0 && view.strides[axis] >= 0 &&
             !__builtin_mul_overflow(view.count, view.shape[axis], &view.count) &&
             !__builtin_mul_overflow(view.shape[axis] - 1, view.strides[axis], &reach) &&
             !__builtin_add_overflow(last, reach, &last);
    }
    if (!fits || (view.count > 0 && last >= held)) {
      refuse_checkpoint(
          name_, fmt::format("tensor '{}' reaches outside its storage of {} values", path, held));
    }
    return view;
  }

  NamedArray read_tensor(const std::string& path, const PickleValue& tensor) {
    const PickleValue& storage = *tensor.items()[0];
    const std::string_view type = storage.items()[0]->global_name();
    const std::string key = storage.items()[1]->text();
    const std::size_t item_size = torch_item_size(type);
    if (item_size == 0) {
      refuse_checkpoint(name_, fmt::format("tensor '{}' is stored as {}", path, type));
    }
    const std::span<const std::byte> bytes = archive_.storage(key);
    const auto held = static_cast<std::int64_t>(bytes.size() / item_size);
    const View view = read_view(path, tensor, held);
    const std::size_t item = is_real_type(type) ? sizeof(float) : sizeof(std::int64_t);
    if (static_cast<std::uint64_t>(view.count) > budget_ / item) {
      refuse_checkpoint(name_, "its tensors expand to far more than the file's size");
    }
    budget_ -= static_cast<std::uint64_t>(view.count) * item;
    const auto* first = bytes.data();
    if (is_real_type(type)) {
      return {view.shape, gather<float>(view, [&](std::int64_t i) {
                return read_real(type, first + static_cast<std::size_t>(i) * item_size);
              })};
    }
    return {view.shape, gather<std::int64_t>(view, [&](std::int64_t i) {
              return read_integer(type, first + static_cast<std::size_t>(i) * item_size);
            })};
  }

  /// The view's elements, last index fastest.
  template <typename Value, typename Read>
  static std::vector<Value> gather(const View& view, Read read) {
    std::vector<Value> values;
    values.reserve(static_cast<std::size_t>(view.count));
    std::vector<std::int64_t> index(view.shape.size(), 0);
    std::int64_t at = view.offset;
    for (std::int64_t n = 0; n < view.count; ++n) {
      values.push_back(read(at));
      for (std::size_t axis = view.shape.size(); axis-- > 0;) {
        at += view.strides[axis];
        if (++index[axis] < view.shape[axis]) break;
        at -= view.strides[axis] * view.shape[axis];
        index[axis] = 0;
      }
    }
    return values;
  }

  std::string name_;
  TorchArchive archive_;
  std::uint64_t budget_;
  TensorFile result_;
};

}  // namespace

TensorFile parse_torch_checkpoint(std::span<const std::byte> bytes, std::string_view name) {
  try {
    return CheckpointReader(bytes, name).read();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    throw ArtifactError(error.what());
  }
}

TensorFile load_torch_checkpoint(const std::filesystem::path& file) {
  std::vector<std::byte> bytes;
  try {
    bytes = read_file(file);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    throw ArtifactError(error.what());
  }
  return parse_torch_checkpoint(bytes, file.string());
}

}  // namespace hardy
