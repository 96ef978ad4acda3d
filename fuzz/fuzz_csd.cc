#include <cstdint>

#include "fuzz/corpus_entry_points.h"

// libhdf5 does not free everything of a damaged file; elsewhere a process of its own reads it.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hardy::fuzz::run_csd(std::as_bytes(std::span(data, size)));
  return 0;
}
