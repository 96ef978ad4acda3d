// How often the whole process has called operator new so far.
#pragma once

#include <cstdint>

namespace hardy::test {

std::int64_t allocation_count();

}  // namespace hardy::test
