#include <cstdint>

#include "fuzz/backbone_entry_points.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hardy::fuzz::run_weights(std::as_bytes(std::span(data, size)));
  return 0;
}
