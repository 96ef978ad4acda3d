// Number of calls of operator new in the whole process.
#pragma once

#include <cstdint>

namespace hardy::test {

std::int64_t allocation_count();

}  // namespace hardy::test
