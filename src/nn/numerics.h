// Numeric libraries and their instruction sets: where they differ between machines, the last bits
// of results differ too.
#pragma once

#include <string>

namespace hardy {

/// Instruction sets and versions of every library that training numbers pass through, such as
/// "oneDNN 2.7.2 isa 0x7, libtorch 1.13.0 AVX2, OpenBLAS 0.3.21 Haswell, glibc 2.36 fma". Equal
/// texts mean equal results. Part of every stage key and of the manifest.
std::string numerics_class();

}  // namespace hardy
