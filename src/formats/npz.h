// numpy's .npz archives, and .npy files of text and Python objects, in which corpora store labels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/pickle.h"

namespace hardy {

/// Reads the members of a .npz file, by name without ".npy", stored or deflated. Throws DataError
/// when the file is no such archive, is damaged, or unpacks to far more than its size; IoError.
std::map<std::string, std::vector<std::byte>> load_npz(const std::filesystem::path& file);

/// The same from memory; `name` stands for the file in messages.
std::map<std::string, std::vector<std::byte>> parse_npz(std::span<const std::byte> bytes,
                                                        std::string_view name);

/// The Python objects of a .npy file of type O, as a pickle of a numpy array. `bytes` must outlive
/// the result. Throws DataError for arrays of another type, and as parse_pickle.
Pickle parse_npy_objects(std::span<const std::byte> bytes, std::string_view name);

/// The text of a .npy file of type S or U, row by row: [N] or [N, K]. Throws DataError.
std::vector<std::vector<std::string>> parse_npy_texts(std::span<const std::byte> bytes,
                                                      std::string_view name);

}  // namespace hardy
