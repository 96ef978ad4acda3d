// Replaces operator new; in a separate file, so that the compiler cannot inline it.
#include "tests/support/count_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::int64_t> count{0};

}  // namespace

namespace hardy::test {

std::int64_t allocation_count() { return count.load(); }

}  // namespace hardy::test

void* operator new(std::size_t size) {
  ++count;
  if (void* place = std::malloc(size == 0 ? 1 : size)) return place;
  throw std::bad_alloc();
}

// std::stable_sort calls this one: its memory must match the delete below, or a sanitizer reports
// it.
void* operator new(std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
  ++count;
  return std::malloc(size == 0 ? 1 : size);
}

void operator delete(void* place) noexcept { std::free(place); }

void operator delete(void* place, std::size_t /*size*/) noexcept { std::free(place); }
