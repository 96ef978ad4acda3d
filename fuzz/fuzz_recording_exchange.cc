#include <cstdint>

#include "fuzz/exchange_entry_points.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hardy::fuzz::run_recording_exchange(std::as_bytes(std::span(data, size)));
  return 0;
}
