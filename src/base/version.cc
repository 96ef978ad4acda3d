#include "hardy/version.h"

namespace hardy {

std::string program_version() { return HARDY_VERSION; }

}  // namespace hardy
