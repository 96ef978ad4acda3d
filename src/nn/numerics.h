// Numeric libraries and their instruction sets: where they differ between machines, the last bits
// of results differ too.
#pragma once

#include <string>

namespace hardy {

/// Instruction sets and versions of every library that training numbers pass through, such as
/// "oneDNN 2.7.2 isa 0x7, libtorch 1.13.0 AVX2, OpenBLAS 0.3.21 Haswell, glibc 2.36 fma". Equal
/// texts mean equal results. Part of every stage key and of the manifest.
std::string numerics_class();

/// What run.device stands for on this machine: "cpu", or "cuda" with the model of the GPU, because
/// models differ in their last bits, too. Part of every stage's key.
std::string device_class(const std::string& device);

}  // namespace hardy
