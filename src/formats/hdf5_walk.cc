#include "formats/hdf5_walk.h"

#include <hdf5.h>
#include <malloc.h>

#include <algorithm>
#include <exception>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "formats/hdf5_chunks.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr int kMaxDepth = 16;
constexpr int kKeptBytes = 1 << 28;
constexpr std::uint64_t kMaxMembers = std::uint64_t{1} << 22;
/// Deflate packs at most 1032 bytes into one; a constant amount is free.
constexpr std::uint64_t kMaxRatio = 1032;
constexpr std::uint64_t kFreeFileBytes = std::uint64_t{1} << 16;
constexpr std::size_t kMaxTextSize = std::size_t{1} << 16;

/// Owns an identifier of libhdf5.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const char* what) : id_(id), close_(close) {
    if (id < 0) throw DataError(fmt::format("the HDF5 library cannot read {}", what));
  }

  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  ~Handle() { close_(id_); }

  [[nodiscard]] hid_t id() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

void require(bool ok, const std::string& path, const char* what) {
  if (!ok) throw DataError(fmt::format("{}: {}", path, what));
}

/// The members of a group, in order of their names.
std::vector<std::string> members_of(hid_t group, const std::string& path) {
  H5G_info_t info;
  require(H5Gget_info(group, &info) >= 0, path, "the group cannot be read");
  require(info.nlinks <= kMaxMembers, path, "the group claims too many members");
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* result) -> herr_t {
    auto& list = *static_cast<std::vector<std::string>*>(result);
    if (list.size() >= kMaxMembers) return -1;
    list.emplace_back(name);
    return 0;
  };
  hsize_t at = 0;
  require(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, collect, &names) >= 0, path,
          "the group cannot be listed");
  std::sort(names.begin(), names.end());
  return names;
}

/// Refuses storage outside the file and filters other than libhdf5's own.
void check_storage(hid_t dataset, const std::string& path) {
  const Handle created(H5Dget_create_plist(dataset), H5Pclose, path.c_str());
  require(H5Pget_external_count(created.id()) == 0, path,
          "its data are in another file, which is not read");
  require(H5Pget_layout(created.id()) != H5D_VIRTUAL, path,
          "it is a virtual dataset over other files, which are not read");
  const int filters = H5Pget_nfilters(created.id());
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter = H5Pget_filter2(created.id(), static_cast<unsigned>(i), &flags,
                                               &values, nullptr, 0, nullptr, nullptr);
    const bool is_known = filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE ||
                          filter == H5Z_FILTER_FLETCHER32;
    require(is_known, path,
            "it is packed by a filter other than gzip; repack the file with gzip (h5repack -f "
            "GZIP=4)");
  }
}

Hdf5Type type_of_class(H5T_class_t type) {
  if (type == H5T_INTEGER || type == H5T_FLOAT) return Hdf5Type::kNumbers;
  return type == H5T_STRING ? Hdf5Type::kTexts : Hdf5Type::kOther;
}

class Hdf5Walk {
 public:
  Hdf5Walk(const std::filesystem::path& file, Outlet& outlet)
      : outlet_(outlet), file_(open_file(file), H5Fclose, "the file") {
    std::error_code ignored;
    budget_ = kFreeHdf5Bytes + kMaxHdf5Expansion * std::filesystem::file_size(file, ignored);
  }

  void walk(const std::function<Hdf5Want(const Hdf5Entry&)>& want) {
    want_ = &want;
    const Handle root(H5Gopen2(file_.id(), "/", H5P_DEFAULT), H5Gclose, "its root");
    H5O_info_t info;
    require(H5Oget_info2(root.id(), &info, H5O_INFO_BASIC) >= 0, "the root", "it cannot be read");
    seen_.insert(info.addr);
    walk_group(root.id(), "", 0);
  }

  void list_root() {
    const Handle root(H5Gopen2(file_.id(), "/", H5P_DEFAULT), H5Gclose, "its root");
    for (const auto& name : members_of(root.id(), "the root")) {
      if (name.size() > kMaxHdf5Name) continue;
      outlet_.write_number(static_cast<std::uint64_t>(Hdf5Record::kName));
      outlet_.write_text(name);
    }
  }

 private:
  static hid_t open_file(const std::filesystem::path& file) {
    // Arrays come and go: memory that is kept spares the kernel its pages.
    (void)::mallopt(M_MMAP_THRESHOLD, kKeptBytes);
    (void)::mallopt(M_TRIM_THRESHOLD, kKeptBytes);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    H5PLset_loading_state(0);  // a file must not name code to be loaded
    const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "settings of its own");
    H5Pset_file_locking(access.id(), 0, 1);  // read-only media cannot lock
    const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDONLY, access.id());
    if (opened < 0) {
      throw DataError("it is no HDF5 file, or damaged (truncated?): copy or download it again");
    }
    return opened;
  }

  void walk_group(hid_t group, const std::string& prefix, int depth) {
    require(depth <= kMaxDepth, prefix, "groups are nested too deeply");
    for (const auto& name : members_of(group, prefix.empty() ? "the root" : prefix)) {
      const std::string path = prefix.empty() ? name : prefix + "/" + name;
      require(path.size() <= kMaxHdf5Name, prefix, "a name is too long");
      require(++members_ <= kMaxMembers, path, "the file has too many members");
      visit(group, name, path, depth);
    }
  }

  void visit(hid_t group, const std::string& name, const std::string& path, int depth) {
    H5L_info_t link;
    require(H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT) >= 0, path,
            "its link cannot be read");
    require(link.type == H5L_TYPE_HARD, path,
            "it is a link to another place or file, which is not followed; copy the data into the "
            "file (h5repack)");
    const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose, path.c_str());
    H5O_info_t info;
    require(H5Oget_info2(object.id(), &info, H5O_INFO_BASIC) >= 0, path, "it cannot be read");
    if (info.type == H5O_TYPE_GROUP) {
      // A group that is reached twice would make cycles, or trees larger than the file.
      require(seen_.insert(info.addr).second, path, "the group is reached by two paths");
      walk_group(object.id(), path, depth + 1);
    } else if (info.type == H5O_TYPE_DATASET) {
      visit_dataset(object.id(), path);
    }
  }

  void visit_dataset(hid_t dataset, const std::string& path) {
    const Handle type(H5Dget_type(dataset), H5Tclose, path.c_str());
    Hdf5Entry entry;
    entry.path = path;
    entry.type = type_of_class(H5Tget_class(type.id()));
    const std::uint64_t count = read_shape(dataset, path, entry);
    const Hdf5Want want = (*want_)(entry);
    if (want == Hdf5Want::kSkip) return;
    check_storage(dataset, path);
    const bool fits = want == Hdf5Want::kTexts ? entry.type == Hdf5Type::kTexts
                                               : entry.type == Hdf5Type::kNumbers;
    require(fits, path,
            want == Hdf5Want::kTexts ? "it holds no texts where texts are expected"
                                     : "it holds no numbers where numbers are expected");
    check_size(dataset, type.id(), path, count);
    switch (want) {
      case Hdf5Want::kFloats:
        return send_numbers<float>(dataset, H5T_NATIVE_FLOAT, entry, want, count);
      case Hdf5Want::kDoubles:
        return send_numbers<double>(dataset, H5T_NATIVE_DOUBLE, entry, want, count);
      default:
        return send_texts(dataset, type.id(), entry, count);
    }
  }

  /// Fills the shape; returns the number of elements.
  static std::uint64_t read_shape(hid_t dataset, const std::string& path, Hdf5Entry& entry) {
    const Handle space(H5Dget_space(dataset), H5Sclose, path.c_str());
    const int axes = H5Sget_simple_extent_ndims(space.id());
    require(axes >= 0 && axes <= static_cast<int>(kMaxHdf5Axes), path, "it has too many axes");
    if (H5Sget_simple_extent_type(space.id()) == H5S_NULL) {
      entry.shape = {0};
      return 0;
    }
    std::vector<hsize_t> extents(static_cast<std::size_t>(std::max(axes, 1)));
    require(H5Sget_simple_extent_dims(space.id(), extents.data(), nullptr) >= 0, path,
            "its shape cannot be read");
    extents.resize(static_cast<std::size_t>(axes));
    std::uint64_t count = 1;
    for (const hsize_t extent : extents) {
      require(extent <= kMaxHdf5Bytes && !__builtin_mul_overflow(count, extent, &count) &&
                  count <= kMaxHdf5Bytes / sizeof(double),
              path, "it is larger than memory");
      entry.shape.push_back(static_cast<std::int64_t>(extent));
    }
    return count;
  }

  /// Checks that the stored bytes can contain the claimed elements.
  void check_size(hid_t dataset, hid_t type, const std::string& path, std::uint64_t count) {
    const std::uint64_t item = std::max<std::uint64_t>(1, H5Tget_size(type));
    std::uint64_t claimed = 0;
    require(!__builtin_mul_overflow(count, item, &claimed), path, "it is larger than memory");
    const std::uint64_t stored = H5Dget_storage_size(dataset);
    require(claimed / kMaxRatio <= stored + kFreeFileBytes / kMaxRatio, path,
            "it claims far more data than the file holds");
    const std::uint64_t needed = count * sizeof(double);
    require(needed <= budget_, path, "the file expands to far more than its own size");
    budget_ -= needed;
  }

  void send_header(const Hdf5Entry& entry, Hdf5Want want) {
    outlet_.write_number(static_cast<std::uint64_t>(Hdf5Record::kArray));
    outlet_.write_text(entry.path);
    outlet_.write_number(static_cast<std::uint64_t>(want));
    outlet_.write_number(entry.shape.size());
    for (const std::int64_t extent : entry.shape) {
      outlet_.write_number(static_cast<std::uint64_t>(extent));
    }
  }

  template <typename Number>
  void send_numbers(hid_t dataset, hid_t memory_type, const Hdf5Entry& entry, Hdf5Want want,
                    std::uint64_t count) {
    if (send_gzip_chunks<Number>(dataset, memory_type, entry, want, count)) return;
    std::vector<Number> values(static_cast<std::size_t>(count));
    require(count == 0 ||
                H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0,
            entry.path, "its data cannot be unpacked (damaged)");
    send_header(entry, want);
    outlet_.write(values.data(), values.size() * sizeof(Number));
  }

  /// send_numbers where read_gzip_chunks can read the dataset.
  template <typename Number>
  bool send_gzip_chunks(hid_t dataset, hid_t memory_type, const Hdf5Entry& entry, Hdf5Want want,
                        std::uint64_t count) {
    const Handle type(H5Dget_type(dataset), H5Tclose, entry.path.c_str());
    const std::size_t item = H5Tget_size(type.id());
    const std::vector<std::size_t> shape(entry.shape.begin(), entry.shape.end());
    auto bytes = read_gzip_chunks(
        dataset, item, shape,
        static_cast<std::size_t>(count) * std::max(item, sizeof(Number)) + kFreeFileBytes);
    if (!bytes) return false;
    if (H5Tequal(type.id(), memory_type) <= 0) {
      bytes->resize(static_cast<std::size_t>(count) * std::max(item, sizeof(Number)));
      if (H5Tconvert(type.id(), memory_type, static_cast<std::size_t>(count), bytes->data(),
                     nullptr, H5P_DEFAULT) < 0) {
        return false;
      }
    }
    send_header(entry, want);
    outlet_.write(bytes->data(), static_cast<std::size_t>(count) * sizeof(Number));
    return true;
  }

  void send_texts(hid_t dataset, hid_t type, const Hdf5Entry& entry, std::uint64_t count) {
    std::vector<std::string> texts;
    if (H5Tis_variable_str(type) > 0) {
      const Handle memory(H5Tcopy(type), H5Tclose, entry.path.c_str());
      std::vector<char*> pointers(static_cast<std::size_t>(count), nullptr);
      require(count == 0 || H5Dread(dataset, memory.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                    pointers.data()) >= 0,
              entry.path, "its texts cannot be read (damaged)");
      for (char* text : pointers) {
        texts.emplace_back(text == nullptr ? "" : text);
        H5free_memory(text);
        spend(entry.path, texts.back().size());
      }
    } else {
      const std::size_t size = H5Tget_size(type);
      require(size >= 1 && size <= kMaxTextSize, entry.path, "its texts have an impossible size");
      spend(entry.path, count * size);
      std::string bytes(static_cast<std::size_t>(count) * size, '\0');
      const Handle memory(H5Tcopy(type), H5Tclose, entry.path.c_str());
      require(count == 0 ||
                  H5Dread(dataset, memory.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0,
              entry.path, "its texts cannot be read (damaged)");
      for (std::size_t at = 0; at < bytes.size(); at += size) {
        const std::string_view text = std::string_view(bytes).substr(at, size);
        texts.emplace_back(text.substr(0, text.find('\0')));
      }
    }
    send_header(entry, Hdf5Want::kTexts);
    for (const auto& text : texts) outlet_.write_text(text);
  }

  void spend(const std::string& path, std::uint64_t size) {
    require(size <= budget_, path, "the file expands to far more than its own size");
    budget_ -= size;
  }

  Outlet& outlet_;
  Handle file_;
  std::uint64_t budget_ = 0;
  std::uint64_t members_ = 0;
  std::set<haddr_t> seen_;
  const std::function<Hdf5Want(const Hdf5Entry&)>* want_ = nullptr;
};

/// Runs `action` and ends the stream, or sends its error.
template <typename Action>
void send_outcome(Outlet& outlet, Action action) {
  try {
    action();
    outlet.write_number(static_cast<std::uint64_t>(Hdf5Record::kEnd));
  } catch (const std::exception& error) {
    outlet.write_number(static_cast<std::uint64_t>(Hdf5Record::kError));
    outlet.write_text(std::string(error.what()).substr(0, 4096));
  }
}

}  // namespace

void walk_hdf5(const std::filesystem::path& file,
               const std::function<Hdf5Want(const Hdf5Entry&)>& want, Outlet& outlet) {
  send_outcome(outlet, [&] { Hdf5Walk(file, outlet).walk(want); });
}

void walk_hdf5_root(const std::filesystem::path& file, Outlet& outlet) {
  send_outcome(outlet, [&] { Hdf5Walk(file, outlet).list_root(); });
}

}  // namespace hardy
