// Differences between versions of libtorch and FAISS, and the only place that tests for them:
// libtorch 1.13 and 2.x, FAISS 1.7 and 1.8 or newer.
#pragma once

#include <torch/version.h>

#include <cstdint>

#if TORCH_VERSION_MAJOR >= 2
#include <optional>
#else
#include <c10/util/Optional.h>
#endif

namespace hardy {

/// The optional type in libtorch's own signatures.
#if TORCH_VERSION_MAJOR >= 2
template <typename Value>
using TorchOptional = std::optional<Value>;
#else
template <typename Value>
using TorchOptional = c10::optional<Value>;
#endif

/// Row numbers of FAISS: a member of Index until 1.7, of the namespace from 1.8, always 64 bits.
using FaissId = std::int64_t;

}  // namespace hardy
