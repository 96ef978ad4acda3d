#include "formats/torch_archive.h"

#include <zip.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {
namespace {

/// Deflate packs at most 1032 bytes into one.
constexpr std::uint64_t kMaxDeflateRatio = 1032;
/// Upper bound on unpacked bytes, as a multiple of the file's size, beyond a constant amount.
constexpr std::uint64_t kMaxUnpacking = 64;
constexpr std::uint64_t kFreeArchiveBytes = std::uint64_t{1} << 20;
/// A pickle of protocol 2 with the number that marks the older form.
constexpr unsigned char kLegacyMagic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                          0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
constexpr std::int64_t kLegacyProtocol = 1001;

[[noreturn]] void refuse_archive(std::string_view name, const std::string& what) {
  throw ArtifactError(fmt::format("{}: not a usable PyTorch checkpoint: {}", name, what));
}

bool is_legacy(std::span<const std::byte> bytes) {
  return bytes.size() > sizeof kLegacyMagic &&
         std::memcmp(bytes.data(), kLegacyMagic, sizeof kLegacyMagic) == 0;
}

/// A read-only zip archive over bytes that outlive it.
class ZipArchive {
 public:
  ZipArchive(std::span<const std::byte> bytes, std::string_view name)
      : name_(name), budget_(kFreeArchiveBytes + kMaxUnpacking * bytes.size()) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source != nullptr) archive_ = zip_open_from_source(source, ZIP_RDONLY, &error);
    if (archive_ != nullptr) return;
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (source != nullptr) zip_source_free(source);
    refuse_archive(name_,
                   reason +
                       " (truncated, or not written by torch.save; files from before PyTorch "
                       "0.4: torch.save(torch.load(f), g) makes a new one)");
  }

  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  ~ZipArchive() { zip_discard(archive_); }

  /// "archive/" when the pickle is "archive/data.pkl". Throws when there is not exactly one.
  [[nodiscard]] std::string find_root() const {
    constexpr std::string_view kPickle = "data.pkl";
    std::optional<std::string> root;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_, 0); ++i) {
      const char* entry = zip_get_name(archive_, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      const std::string_view path = entry == nullptr ? "" : entry;
      if (!path.ends_with(kPickle)) continue;
      const std::string_view folder = path.substr(0, path.size() - kPickle.size());
      if (folder.find('/') + 1 != folder.size()) continue;
      if (root) refuse_archive(name_, "it holds several data.pkl");
      root = std::string(folder);
    }
    if (!root) refuse_archive(name_, "it holds no data.pkl");
    return *root;
  }

  /// A whole entry, unpacked and verified by its CRC.
  std::vector<std::byte> read(const std::string& path) {
    zip_stat_t status;
    zip_stat_init(&status);
    if (zip_stat(archive_, path.c_str(), ZIP_FL_ENC_RAW, &status) != 0 ||
        (status.valid & ZIP_STAT_SIZE) == 0 || (status.valid & ZIP_STAT_COMP_SIZE) == 0) {
      refuse_archive(name_, fmt::format("entry '{}' is missing", path));
    }
    const bool is_possible =
        status.size <= 64 || status.size / kMaxDeflateRatio <= status.comp_size;
    if (status.size > budget_ || !is_possible) {
      refuse_archive(name_, fmt::format("entry '{}' claims {} bytes, packed in {}", path,
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
      refuse_archive(name_, fmt::format("entry '{}' is damaged", path));
    }
    return bytes;
  }

  /// PyTorch 2 writes the entry "byteorder"; older versions have none.
  bool is_big_endian(const std::string& folder) {
    if (zip_name_locate(archive_, (folder + "byteorder").c_str(), ZIP_FL_ENC_RAW) < 0) return false;
    return read(folder + "byteorder").size() == 3;
  }

 private:
  std::string name_;
  std::uint64_t budget_;
  zip_t* archive_ = nullptr;
};

struct TorchItem {
  std::string_view name;
  std::size_t size;
};

constexpr TorchItem kTorchItems[] = {
    {"torch.FloatStorage", 4},    {"torch.DoubleStorage", 8}, {"torch.HalfStorage", 2},
    {"torch.BFloat16Storage", 2}, {"torch.LongStorage", 8},   {"torch.IntStorage", 4},
    {"torch.ShortStorage", 2},    {"torch.CharStorage", 1},   {"torch.ByteStorage", 1},
    {"torch.BoolStorage", 1},
};

/// Storages of a file of the older form: after the pickles, in the order of a list of keys, each
/// preceded by the number of its values.
class LegacyStorages {
 public:
  LegacyStorages(std::span<const std::byte> bytes, std::string_view name)
      : bytes_(bytes), name_(name) {}

  /// Reads the pickles; the storages of `root` follow them.
  Pickle read() {
    at_ = sizeof kLegacyMagic;
    const Pickle protocol = next_pickle();
    if (protocol.root().kind() != PickleKind::kInteger ||
        protocol.root().integer() != kLegacyProtocol) {
      refuse_archive(name_, "its form is of an unknown version");
    }
    check_system(next_pickle());
    Pickle root = next_pickle();
    find_types(root.root());
    const Pickle keys = next_pickle();
    for (const PickleRef key : keys.root().items()) place(key->text());
    return root;
  }

  [[nodiscard]] std::span<const std::byte> find(const std::string& key) const {
    const auto found = places_.find(key);
    if (found == places_.end()) refuse_archive(name_, fmt::format("storage '{}' is missing", key));
    return found->second;
  }

 private:
  Pickle next_pickle() {
    std::size_t used = 0;
    Pickle pickle = parse_opaque_pickle(bytes_.subspan(at_), name_, used);
    at_ += used;
    return pickle;
  }

  void check_system(const Pickle& system) const {
    const auto& items = system.root().items();
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i]->text() == "little_endian" && items[i + 1]->integer() == 0) {
        refuse_archive(name_, "it was written on a big-endian machine");
      }
    }
  }

  /// Records the type of every storage below a value.
  void find_types(const PickleValue& value) {
    if (value.kind() == PickleKind::kStorage) {
      types_[value.items()[1]->text()] = std::string(value.items()[0]->global_name());
      return;
    }
    const bool has_items =
        value.kind() == PickleKind::kList || value.kind() == PickleKind::kTuple ||
        value.kind() == PickleKind::kDict || value.kind() == PickleKind::kTensor ||
        value.kind() == PickleKind::kSet || value.kind() == PickleKind::kOpaque;
    if (!has_items) return;
    for (const PickleRef item : value.items()) find_types(*item);
  }

  void place(const std::string& key) {
    // A storage of a dropped object has no known type, without which the start of the next one in
    // the file is unknown.
    const auto type = types_.find(key);
    const std::size_t item = type == types_.end() ? 0 : torch_item_size(type->second);
    if (item == 0) {
      refuse_archive(name_, fmt::format("storage '{}' has an unknown type; re-save the file with "
                                        "torch.save(torch.load(f)['model'], g)",
                                        key));
    }
    std::int64_t count = 0;
    const auto rest = bytes_.subspan(at_);
    if (rest.size() < sizeof count) refuse_archive(name_, "it ends among its storages (truncated)");
    std::memcpy(&count, rest.data(), sizeof count);
    const auto left = rest.size() - sizeof count;
    if (count < 0 || static_cast<std::uint64_t>(count) > left / item) {
      refuse_archive(name_, fmt::format("storage '{}' claims {} values where {} bytes are left "
                                        "(truncated)",
                                        key, count, left));
    }
    const auto size = static_cast<std::size_t>(count) * item;
    places_[key] = rest.subspan(sizeof count, size);
    at_ += sizeof count + size;
  }

  std::span<const std::byte> bytes_;
  std::string name_;
  std::size_t at_ = 0;
  std::map<std::string, std::string> types_;
  std::map<std::string, std::span<const std::byte>> places_;
};

}  // namespace

std::size_t torch_item_size(std::string_view storage_type) {
  const auto* known = std::find_if(std::begin(kTorchItems), std::end(kTorchItems),
                                   [&](const TorchItem& t) { return t.name == storage_type; });
  return known == std::end(kTorchItems) ? 0 : known->size;
}

struct TorchArchive::Impl {
  std::optional<ZipArchive> zip;
  std::string folder;
  std::optional<LegacyStorages> legacy;
  std::vector<std::byte> pickle_bytes;
  Pickle pickle;
  std::map<std::string, std::vector<std::byte>> storages;
};

TorchArchive::TorchArchive(std::span<const std::byte> bytes, std::string_view name,
                           bool keeps_opaque)
    : impl_(std::make_unique<Impl>()) {
  try {
    if (is_legacy(bytes)) {
      impl_->legacy.emplace(bytes, name);
      impl_->pickle = impl_->legacy->read();
      return;
    }
    impl_->zip.emplace(bytes, name);
    impl_->folder = impl_->zip->find_root();
    if (impl_->zip->is_big_endian(impl_->folder)) {
      refuse_archive(name, "it was written on a big-endian machine");
    }
    impl_->pickle_bytes = impl_->zip->read(impl_->folder + "data.pkl");
    const auto pickle_name = fmt::format("{}/data.pkl", name);
    std::size_t used = 0;
    impl_->pickle = keeps_opaque ? parse_opaque_pickle(impl_->pickle_bytes, pickle_name, used)
                                 : parse_pickle(impl_->pickle_bytes, pickle_name);
  } catch (const DataError& error) {
    throw ArtifactError(error.what());
  }
}

TorchArchive::TorchArchive(TorchArchive&&) noexcept = default;
TorchArchive& TorchArchive::operator=(TorchArchive&&) noexcept = default;
TorchArchive::~TorchArchive() = default;

const PickleValue& TorchArchive::root() const { return impl_->pickle.root(); }

std::span<const std::byte> TorchArchive::storage(const std::string& key) {
  if (impl_->legacy) return impl_->legacy->find(key);
  const auto found = impl_->storages.find(key);
  if (found != impl_->storages.end()) return found->second;
  return impl_->storages.emplace(key, impl_->zip->read(impl_->folder + "data/" + key))
      .first->second;
}

void TorchArchive::release(const std::string& key) { impl_->storages.erase(key); }

}  // namespace hardy
