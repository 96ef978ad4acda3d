/// @file
/// Version of the library.
#pragma once

#include <string>

namespace hardy {

/// The version of the library and its programs, e.g. "0.2.0".
std::string program_version();

}  // namespace hardy
