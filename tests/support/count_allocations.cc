// Replaces operator new; a file of its own, so that the compiler does not see through it.
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

// std::stable_sort asks this one: what it gives must fit the delete below, or a sanitizer objects.
void* operator new(std::size_t size, const std::nothrow_t& /*unused*/) noexcept {
  ++count;
  return std::malloc(size == 0 ? 1 : size);
}

void operator delete(void* place) noexcept { std::free(place); }

void operator delete(void* place, std::size_t /*size*/) noexcept { std::free(place); }
