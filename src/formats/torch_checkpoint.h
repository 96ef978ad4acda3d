// PyTorch's saved state dicts (.pth, either form of torch.save) without Python and without
// libtorch.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "hardy/tensor_file.h"

namespace hardy {

/// Reads every tensor of a checkpoint, by parameter name: a state dict, or any nesting of dicts
/// with tensors in it (names joined by '.'; what is not a tensor is left out). float16, bfloat16,
/// float32 and float64 come as float32, integers and booleans as int64. Strided views are laid out
/// row-major. Throws ArtifactError when the file is missing, truncated, not written by torch.save,
/// or holds anything that is not plain data (pickle.h); memory stays proportional to the unpacked
/// size, which deflate bounds by the file's.
TensorFile load_torch_checkpoint(const std::filesystem::path& file);

/// The same from memory; `name` stands for the file in messages.
TensorFile parse_torch_checkpoint(std::span<const std::byte> bytes, std::string_view name);

}  // namespace hardy
