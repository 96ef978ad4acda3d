#include "methods/hardymer/score.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "hardy/errors.h"

namespace hardy {

std::vector<float> min_max(std::span<const float> values) {
  std::vector<float> scaled(values.size(), 0.0F);
  if (values.empty()) return scaled;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const float range = *high - *low;
  if (range <= 1e-5F) return scaled;
  for (std::size_t i = 0; i < values.size(); ++i) scaled[i] = (values[i] - *low) / range;
  return scaled;
}

std::vector<float> combine_scaled(std::span<const float> direct, std::span<const float> indirect,
                                  const HardnessConfig& config) {
  const double alpha1 = config.components == HardnessTerms::kIndirect ? 0.0 : config.alpha1;
  const double alpha2 = config.components == HardnessTerms::kDirect ? 0.0 : config.alpha2;
  const double centre = config.centre == ScoreCentre::kMiddle ? (alpha1 + alpha2) / 2 : 0.0;
  std::vector<float> score(direct.size());
  for (std::size_t i = 0; i < score.size(); ++i) {
    const double shared = config.indirect_sign == IndirectSign::kConsistency
                              ? 1.0 - static_cast<double>(indirect[i])
                              : static_cast<double>(indirect[i]);
    const double weighted = alpha1 * static_cast<double>(direct[i]) + alpha2 * shared;
    score[i] = static_cast<float>(1.0 / (1.0 + std::exp(-config.beta * (weighted - centre))));
  }
  return score;
}

std::vector<float> unified_score(std::span<const float> direct, std::span<const float> indirect,
                                 const HardnessConfig& config) {
  if (direct.size() != indirect.size()) {
    throw ShapeError(fmt::format("hardness: {} direct values but {} indirect ones", direct.size(),
                                 indirect.size()));
  }
  for (std::size_t i = 0; i < direct.size(); ++i) {
    if (!std::isfinite(direct[i]) || !std::isfinite(indirect[i])) {
      throw DataError(fmt::format("hardness of training utterance {} is not finite", i));
    }
  }
  if (config.components == HardnessTerms::kNone) return std::vector<float>(direct.size(), 1.0F);
  return combine_scaled(min_max(direct), min_max(indirect), config);
}

}  // namespace hardy
