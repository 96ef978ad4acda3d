// Named random streams: every draw belongs to a stream named after its purpose, so that an
// additional draw in one stage does not change another.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string_view>
#include <vector>

namespace hardy {

/// The generator type; functions that draw take it as an argument.
using Generator = std::mt19937_64;

/// Derives independent streams from one root seed. Immutable; safe from any thread.
class Seeds {
 public:
  explicit Seeds(std::uint64_t root) : root_(root) {}

  /// The seed of a stream: a mix of root, name and indices (e.g. "dropout", {epoch, batch}).
  [[nodiscard]] std::uint64_t key(std::string_view name,
                                  std::initializer_list<std::int64_t> indices = {}) const;

  [[nodiscard]] Generator stream(std::string_view name,
                                 std::initializer_list<std::int64_t> indices = {}) const {
    return Generator(key(name, indices));
  }

 private:
  std::uint64_t root_;
};

/// One step of SplitMix64 (Steele et al. 2014): a well-mixed function of x.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// A uniform draw in [0, n), independent of the standard library's distributions. Range: n >= 1.
std::int64_t draw_index(Generator& generator, std::int64_t n);

/// A uniform draw in [0, 1).
double draw_unit(Generator& generator);

/// A standard normal draw.
double draw_normal(Generator& generator);

/// 0..n-1 in random order.
std::vector<std::int64_t> draw_permutation(Generator& generator, std::int64_t n);

}  // namespace hardy
