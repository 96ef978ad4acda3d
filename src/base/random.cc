#include "base/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "hardy/errors.h"

namespace hardy {

std::uint64_t Seeds::key(std::string_view name, std::initializer_list<std::int64_t> indices) const {
  std::uint64_t state = mix64(root_);
  for (const char letter : name) state = mix64(state ^ static_cast<unsigned char>(letter));
  for (const std::int64_t index : indices) state = mix64(state ^ static_cast<std::uint64_t>(index));
  return state;
}

std::int64_t draw_index(Generator& generator, std::int64_t n) {
  check(n >= 1, "draw_index needs n >= 1");
  // Multiply-shift (Lemire 2019); the bias is at most n / 2^64, which is negligible.
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(generator()) * static_cast<std::uint64_t>(n);
  return static_cast<std::int64_t>(product >> 64);
}

double draw_unit(Generator& generator) {
  return static_cast<double>(generator() >> 11) * 0x1.0p-53;
}

double draw_normal(Generator& generator) {
  // Box-Muller, one of the pair: stateless, so that the position of a stream is the number of
  // draws.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - draw_unit(generator)));
  return radius * std::cos(2.0 * std::numbers::pi * draw_unit(generator));
}

std::vector<std::int64_t> draw_permutation(Generator& generator, std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = n - 1; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(draw_index(generator, i + 1))]);
  }
  return order;
}

}  // namespace hardy
