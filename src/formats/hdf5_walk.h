// The reading process of hdf5.h: walks a file with libhdf5 and sends the requested data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/isolation.h"
#include "formats/hdf5.h"

namespace hardy {

/// Records on the pipe start with one of these.
enum class Hdf5Record : std::uint64_t { kEnd = 1, kArray = 2, kError = 3, kName = 4 };

inline constexpr std::uint64_t kMaxHdf5Name = 4096;
inline constexpr std::size_t kMaxHdf5Axes = 8;
inline constexpr std::uint64_t kMaxHdf5Bytes = std::uint64_t{1} << 36;  ///< limit of one dataset

/// All data together are at most this multiple of the file's size, beyond a constant amount.
inline constexpr std::uint64_t kMaxHdf5Expansion = 64;
inline constexpr std::uint64_t kFreeHdf5Bytes = std::uint64_t{1} << 30;

/// Sends every requested dataset, then kEnd; or kError with a text. Never throws.
void walk_hdf5(const std::filesystem::path& file,
               const std::function<Hdf5Want(const Hdf5Entry&)>& want, Outlet& outlet);

/// Sends the names of the root's members as kName, then kEnd; or kError.
void walk_hdf5_root(const std::filesystem::path& file, Outlet& outlet);

}  // namespace hardy
