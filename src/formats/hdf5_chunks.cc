#include "formats/hdf5_chunks.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace hardy {
namespace {

constexpr int kMostAxes = 8;

struct FreeUnpacker {
  void operator()(libdeflate_decompressor* unpacker) const {
    libdeflate_free_decompressor(unpacker);
  }
};

/// How the chunks of a dataset are stored.
struct Storage {
  std::vector<std::size_t> chunk;  ///< extents of a chunk
  bool is_shuffled = false;
};

/// The storage where it is deflate, or shuffle and deflate; nothing for any other.
std::optional<Storage> storage_of(hid_t dataset, std::size_t axes) {
  const hid_t created = H5Dget_create_plist(dataset);
  if (created < 0) return std::nullopt;
  const auto close = std::unique_ptr<const hid_t, void (*)(const hid_t*)>(
      &created, [](const hid_t* id) { H5Pclose(*id); });
  std::vector<H5Z_filter_t> filters;
  for (int i = 0; i < H5Pget_nfilters(created); ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    filters.push_back(H5Pget_filter2(created, static_cast<unsigned>(i), &flags, &values, nullptr, 0,
                                     nullptr, nullptr));
  }
  Storage storage;
  storage.is_shuffled = filters.size() == 2 && filters.front() == H5Z_FILTER_SHUFFLE;
  const bool is_gzip = !filters.empty() && filters.back() == H5Z_FILTER_DEFLATE &&
                       (filters.size() == 1 || storage.is_shuffled);
  if (!is_gzip || H5Pget_layout(created) != H5D_CHUNKED) return std::nullopt;
  hsize_t extents[kMostAxes];
  if (H5Pget_chunk(created, kMostAxes, extents) != static_cast<int>(axes)) return std::nullopt;
  storage.chunk.assign(extents, extents + axes);
  return storage;
}

/// Product of extents times `item`; 0 beyond `most`.
std::size_t bytes_of(const std::vector<std::size_t>& extents, std::size_t item, std::size_t most) {
  std::size_t bytes = item;
  for (const auto extent : extents) {
    if (__builtin_mul_overflow(bytes, extent, &bytes) || bytes > most) return 0;
  }
  return bytes;
}

/// Undoes the shuffle filter: byte b of element i is at b * count + i.
void unshuffle(const std::vector<std::byte>& from, std::size_t item, std::vector<std::byte>& to) {
  const std::size_t count = from.size() / item;
  for (std::size_t b = 0; b < item; ++b) {
    const std::byte* source = from.data() + b * count;
    for (std::size_t i = 0; i < count; ++i) to[i * item + b] = source[i];
  }
}

class ChunkReader {
 public:
  ChunkReader(hid_t dataset, Storage storage, std::size_t item,
              const std::vector<std::size_t>& shape, std::size_t chunk_bytes)
      : dataset_(dataset),
        storage_(std::move(storage)),
        item_(item),
        shape_(shape),
        unpacked_(chunk_bytes),
        unpacker_(libdeflate_alloc_decompressor()) {}

  /// All elements; nothing when a chunk cannot be read so.
  std::optional<std::vector<std::byte>> read(std::size_t bytes, std::size_t most) {
    if (unpacker_ == nullptr) return std::nullopt;
    std::vector<std::size_t> first(shape_.size(), 0);
    if (storage_.chunk == shape_) {
      if (!unpack(first, most)) return std::nullopt;
      return std::move(unpacked_);
    }
    std::vector<std::byte> whole(bytes);
    while (true) {
      if (!unpack(first, most)) return std::nullopt;
      place(first, whole);
      std::size_t axis = shape_.size();
      while (axis > 0) {
        --axis;
        first[axis] += storage_.chunk[axis];
        if (first[axis] < shape_[axis]) break;
        first[axis] = 0;
        if (axis == 0) return whole;
      }
    }
  }

 private:
  /// Fills `unpacked_` with the chunk that starts at `first`.
  bool unpack(const std::vector<std::size_t>& first, std::size_t most) {
    const std::vector<hsize_t> offset(first.begin(), first.end());
    hsize_t stored = 0;
    if (H5Dget_chunk_storage_size(dataset_, offset.data(), &stored) < 0) return false;
    if (stored == 0 || stored > most) return false;
    packed_.resize(stored);
    std::uint32_t skipped_filters = 0;
    if (H5Dread_chunk(dataset_, H5P_DEFAULT, offset.data(), &skipped_filters, packed_.data()) < 0 ||
        skipped_filters != 0) {
      return false;
    }
    // Without a place for the size found, anything but the expected size is a failure.
    if (libdeflate_zlib_decompress(unpacker_.get(), packed_.data(), packed_.size(),
                                   unpacked_.data(), unpacked_.size(),
                                   nullptr) != LIBDEFLATE_SUCCESS) {
      return false;
    }
    if (storage_.is_shuffled && item_ > 1) {
      ordered_.resize(unpacked_.size());
      unshuffle(unpacked_, item_, ordered_);
      ordered_.swap(unpacked_);
    }
    return true;
  }

  /// Copies the part of the chunk inside the dataset, run by run along the last axis.
  void place(const std::vector<std::size_t>& first, std::vector<std::byte>& whole) const {
    const std::size_t last = shape_.size() - 1;
    std::vector<std::size_t> size(shape_.size());
    for (std::size_t axis = 0; axis <= last; ++axis) {
      size[axis] = std::min(storage_.chunk[axis], shape_[axis] - first[axis]);
    }
    std::vector<std::size_t> at(shape_.size(), 0);  // within the chunk; the last axis stays 0
    while (true) {
      std::size_t from = 0;
      std::size_t to = 0;
      for (std::size_t axis = 0; axis <= last; ++axis) {
        from = from * storage_.chunk[axis] + at[axis];
        to = to * shape_[axis] + first[axis] + at[axis];
      }
      std::memcpy(whole.data() + to * item_, unpacked_.data() + from * item_, size[last] * item_);
      std::size_t axis = last;
      while (axis > 0) {
        --axis;
        if (++at[axis] < size[axis]) break;
        at[axis] = 0;
        if (axis == 0) return;
      }
      if (last == 0) return;
    }
  }

  hid_t dataset_;
  Storage storage_;
  std::size_t item_;
  const std::vector<std::size_t>& shape_;
  std::vector<std::byte> packed_;
  std::vector<std::byte> unpacked_;
  std::vector<std::byte> ordered_;
  std::unique_ptr<libdeflate_decompressor, FreeUnpacker> unpacker_;
};

}  // namespace

std::optional<std::vector<std::byte>> read_gzip_chunks(hid_t dataset, std::size_t item,
                                                       const std::vector<std::size_t>& shape,
                                                       std::size_t most) {
  if (shape.empty() || item == 0) return std::nullopt;
  const std::size_t bytes = bytes_of(shape, item, most);
  auto storage = storage_of(dataset, shape.size());
  if (bytes == 0 || !storage) return std::nullopt;
  const std::size_t chunk_bytes = bytes_of(storage->chunk, item, most);
  if (chunk_bytes == 0) return std::nullopt;
  return ChunkReader(dataset, *std::move(storage), item, shape, chunk_bytes).read(bytes, most);
}

}  // namespace hardy
