// safetensors files of other programs: any type, no checksum of hardy's, values not copied.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "hardy/tensor_file.h"

namespace hardy {

/// The arrays of a safetensors container; `type` as in the file, e.g. "BF16". `bytes` must outlive
/// the result. Throws ArtifactError when it is not such a container, truncated, or an array is
/// outside the file or does not fit its shape.
std::map<std::string, ArrayView> view_safetensors(std::span<const std::byte> bytes,
                                                  std::string_view name);

/// Bytes of one value of a type such as "F16"; 0 = unknown.
std::size_t safetensors_item_size(std::string_view type);

}  // namespace hardy
