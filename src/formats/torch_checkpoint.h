// PyTorch's saved state dicts (.pth, the zip form of torch.save) without Python and without
// libtorch.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "hardy/tensor_file.h"

namespace hardy {

/// Reads every tensor of a checkpoint, by parameter name: a state dict, or any nesting of dicts
/// with tensors in it (names joined by '.'; other values are left out). float16, bfloat16, float32
/// and float64 become float32, integers and booleans int64. Strided views become row-major. Throws
/// ArtifactError when the file is missing, truncated, not such a zip, or contains anything but
/// plain data (pickle.h); memory is proportional to the unpacked size, which is bounded by a
/// multiple of the file's.
TensorFile load_torch_checkpoint(const std::filesystem::path& file);

/// The same from memory; `name` stands for the file in messages.
TensorFile parse_torch_checkpoint(std::span<const std::byte> bytes, std::string_view name);

}  // namespace hardy
