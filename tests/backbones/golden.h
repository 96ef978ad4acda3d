// Outputs of the original programs, and weights that are made from their names.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "backbones/weight_set.h"
#include "formats/npy.h"
#include "tests/support/shared_data.h"

namespace hardy::test {

inline std::filesystem::path backbone_dir() { return shared_dir() / "golden" / "backbones"; }

/// Largest difference of two arrays; infinite when they have different sizes or it is no number.
template <typename Values, typename Wanted>
double largest_difference(const Values& got, const Wanted& wanted) {
  if (got.size() != wanted.size()) return HUGE_VAL;
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference =
        std::abs(static_cast<double>(got[i]) - static_cast<double>(wanted[i]));
    if (!(difference <= largest)) largest = difference;
    if (std::isnan(difference)) return HUGE_VAL;
  }
  return largest;
}

inline std::vector<std::int64_t> integers_of(const std::filesystem::path& file) {
  std::vector<std::int64_t> values;
  for (const float value : load_npy(file).values) {
    values.push_back(static_cast<std::int64_t>(std::lround(value)));
  }
  return values;
}

/// The range of made weights, by the rules of the golden data: the first that fits.
inline std::pair<double, double> weight_range(const std::string& key,
                                              const std::vector<std::int64_t>& shape) {
  const auto dot = key.rfind('.');
  const std::string last = dot == std::string::npos ? key : key.substr(dot + 1);
  if (last == "running_mean") return {-0.3, 0.3};
  if (last == "running_var" || last == "weight_g" || last == "gru_rel_pos_const") return {0.5, 1.5};
  if (shape.size() == 1) {
    return last == "weight" ? std::pair(0.5, 1.5) : std::pair(-0.2, 0.2);
  }
  if (shape.empty()) return {-0.5, 0.5};
  if (key.find("embeddings") != std::string::npos ||
      key.find("rel_attn_embed") != std::string::npos) {
    return {-1, 1};
  }
  const auto inner =
      std::accumulate(shape.begin() + 1, shape.end(), 1.0,
                      [](double x, std::int64_t y) { return x * static_cast<double>(y); });
  return {-std::sqrt(3 / inner), std::sqrt(3 / inner)};
}

inline std::vector<float> made_weights(const std::string& key,
                                       const std::vector<std::int64_t>& shape, std::uint64_t salt) {
  std::uint64_t seed = 0xcbf29ce484222325U;
  for (const char c : key) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  seed ^= salt;
  const auto [low, high] = weight_range(key, shape);
  std::size_t count = 1;
  for (const auto extent : shape) count *= static_cast<std::size_t>(extent);
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    z ^= z >> 31U;
    const double unit = static_cast<double>(z >> 40U) / 16777216.0;
    values[i] = static_cast<float>(low + (high - low) * unit);
  }
  return values;
}

/// All weights of a list {key: shape}.
inline WeightSet made_set(const std::filesystem::path& keys, std::uint64_t salt) {
  const auto json = nlohmann::json::parse(std::ifstream(keys));
  WeightSet weights;
  for (const auto& [key, shape] : json.items()) {
    if (key.ends_with("num_batches_tracked") || key.ends_with("position_ids")) continue;
    const auto extents = shape.get<std::vector<std::int64_t>>();
    weights.add(key, extents, made_weights(key, extents, salt));
  }
  return weights;
}

}  // namespace hardy::test
