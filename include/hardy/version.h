// Which hardy this is.
#pragma once

#include <string>

namespace hardy {

/// The version of the library and its programs, e.g. "0.1.0".
std::string program_version();

}  // namespace hardy
