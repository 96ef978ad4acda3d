#include "formats/torch_checkpoint.h"

#include <zip.h>

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
#include "hardy/errors.h"

namespace hardy {
namespace {

/// Deflate packs at most 1032 bytes into one.
constexpr std::uint64_t kMaxDeflateRatio = 1032;
/// Upper bound on unpacked and decoded bytes, as a multiple of the file's size, beyond a constant
/// amount.
constexpr std::uint64_t kMaxExpansion = 64;
constexpr std::uint64_t kFreeUnpackedBytes = std::uint64_t{1} << 20;

[[noreturn]] void refuse_checkpoint(std::string_view name, const std::string& what) {
  throw ArtifactError(fmt::format("{}: not a usable PyTorch checkpoint: {}", name, what));
}

/// A read-only zip archive over bytes that outlive it.
class ZipArchive {
 public:
  ZipArchive(std::span<const std::byte> bytes, std::string_view name)
      : name_(name), budget_(kFreeUnpackedBytes + kMaxExpansion * bytes.size()) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source != nullptr) archive_ = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (archive_ != nullptr) return;
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (source != nullptr) zip_source_free(source);
    refuse_checkpoint(name_,
                      reason +
                          " (truncated, or not written by torch.save of PyTorch 1.6 or newer; "
                          "older files: torch.save(torch.load(f), g) makes a new one)");
  }

  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  ~ZipArchive() { zip_discard(archive_); }

  /// "archive/" when the pickle is "archive/data.pkl". Throws unless there is exactly one.
  [[nodiscard]] std::string find_root() const {
    constexpr std::string_view kPickle = "data.pkl";
    std::optional<std::string> root;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_, 0); ++i) {
      const char* entry = zip_get_name(archive_, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      const std::string_view path = entry == nullptr ? "" : entry;
      if (!path.ends_with(kPickle)) continue;
      const std::string_view folder = path.substr(0, path.size() - kPickle.size());
      if (folder.find('/') + 1 != folder.size()) continue;
      if (root) refuse_checkpoint(name_, "it holds several data.pkl");
      root = std::string(folder);
    }
    if (!root) refuse_checkpoint(name_, "it holds no data.pkl");
    return *root;
  }

  /// A whole entry, unpacked and verified by its CRC.
  std::vector<std::byte> read(const std::string& path) {
    zip_stat_t status;
    zip_stat_init(&status);
    if (zip_stat(archive_, path.c_str(), ZIP_FL_ENC_RAW, &status) != 0 ||
        (status.valid & ZIP_STAT_SIZE) == 0 || (status.valid & ZIP_STAT_COMP_SIZE) == 0) {
      refuse_checkpoint(name_, fmt::format("entry '{}' is missing", path));
    }
    const bool is_possible =
        status.size <= 64 || status.size / kMaxDeflateRatio <= status.comp_size;
    if (status.size > budget_ || !is_possible) {
      refuse_checkpoint(name_, fmt::format("entry '{}' claims {} bytes, packed in {}", path,
                                           status.size, status.comp_size));
    }
    budget_ -= status.size;
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(
        zip_fopen_index(archive_, status.index, 0), zip_fclose);
    std::vector<std::byte> bytes(static_cast<std::size_t>(status.size));
    const zip_int64_t got = file ? zip_fread(file.get(), bytes.data(), bytes.size()) : -1;
    // libzip checks the CRC at the end of an entry.
    std::byte beyond{};
    if (got != static_cast<zip_int64_t>(bytes.size()) || zip_fread(file.get(), &beyond, 1) != 0) {
      refuse_checkpoint(name_, fmt::format("entry '{}' is damaged", path));
    }
    return bytes;
  }

 private:
  std::string name_;
  std::uint64_t budget_;
  zip_t* archive_ = nullptr;
};

struct StorageType {
  std::string_view name;
  std::size_t item_size;
};

constexpr StorageType kStorageTypes[] = {
    {"torch.FloatStorage", 4},    {"torch.DoubleStorage", 8}, {"torch.HalfStorage", 2},
    {"torch.BFloat16Storage", 2}, {"torch.LongStorage", 8},   {"torch.IntStorage", 4},
    {"torch.ShortStorage", 2},    {"torch.CharStorage", 1},   {"torch.ByteStorage", 1},
    {"torch.BoolStorage", 1},
};

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
        archive_(bytes, name),
        budget_(kFreeUnpackedBytes + kMaxExpansion * bytes.size()),
        root_(archive_.find_root()) {}

  TensorFile read() {
    if (has_big_endian_mark()) refuse_checkpoint(name_, "it was written on a big-endian machine");
    const auto bytes = archive_.read(root_ + "data.pkl");
    const Pickle pickle = parse_pickle(bytes, name_ + "/data.pkl");
    collect("", pickle.root());
    if (result_.arrays.empty())
      refuse_checkpoint(name_, "it holds no tensor by name (is it a state dict?)");
    return std::move(result_);
  }

 private:
  bool has_big_endian_mark() {
    // PyTorch 2 writes the entry "byteorder"; older versions have none.
    try {
      const auto order = archive_.read(root_ + "byteorder");
      return order.size() == 3;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kArtifact) throw;
      return false;
    }
  }

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
    const auto* known = std::find_if(std::begin(kStorageTypes), std::end(kStorageTypes),
                                     [&](const StorageType& t) { return t.name == type; });
    if (known == std::end(kStorageTypes)) {
      refuse_checkpoint(name_, fmt::format("tensor '{}' is stored as {}", path, type));
    }
    const std::vector<std::byte>& bytes = find_storage(key);
    const auto held = static_cast<std::int64_t>(bytes.size() / known->item_size);
    const View view = read_view(path, tensor, held);
    const std::size_t item = is_real_type(type) ? sizeof(float) : sizeof(std::int64_t);
    if (static_cast<std::uint64_t>(view.count) > budget_ / item) {
      refuse_checkpoint(name_, "its tensors expand to far more than the file's size");
    }
    budget_ -= static_cast<std::uint64_t>(view.count) * item;
    const auto* first = bytes.data();
    if (is_real_type(type)) {
      return {view.shape, gather<float>(view, [&](std::int64_t i) {
                return read_real(type, first + static_cast<std::size_t>(i) * known->item_size);
              })};
    }
    return {view.shape, gather<std::int64_t>(view, [&](std::int64_t i) {
              return read_integer(type, first + static_cast<std::size_t>(i) * known->item_size);
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

  const std::vector<std::byte>& find_storage(const std::string& key) {
    const auto found = storages_.find(key);
    if (found != storages_.end()) return found->second;
    return storages_.emplace(key, archive_.read(root_ + "data/" + key)).first->second;
  }

  std::string name_;
  ZipArchive archive_;
  std::uint64_t budget_;
  std::string root_;
  std::map<std::string, std::vector<std::byte>> storages_;
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
