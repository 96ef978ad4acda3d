// Chunks of gzip-packed HDF5 datasets, unpacked by libdeflate: libhdf5 unpacks them by zlib, which
// takes most of the time of reading such a file. Part of the reading process of hdf5.h.
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace hardy {

/// The elements of a dataset of numbers, row-major and in the type of the file, where its storage
/// is the usual one: chunks, all of them written, packed by deflate, shuffled before or not.
/// Nothing otherwise, also for chunks that do not unpack to their size: libhdf5 then reads it, or
/// says what is wrong. `most` bounds the bytes of a chunk and of the whole.
std::optional<std::vector<std::byte>> read_gzip_chunks(hid_t dataset, std::size_t item,
                                                       const std::vector<std::size_t>& shape,
                                                       std::size_t most);

}  // namespace hardy
