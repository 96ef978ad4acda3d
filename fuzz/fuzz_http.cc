#include <cstdint>

#include "fuzz/http_entry_point.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hardy::fuzz::answer_http({reinterpret_cast<const char*>(data), size});
  return 0;
}
