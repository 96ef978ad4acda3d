// MA-Net (Zhao, Liu and Wang, 2021): local and global features of a face. Internal to backbones/.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "backbones/weight_set.h"

namespace hardy {

/// Side of the input pictures in pixels.
inline constexpr std::int64_t kManetSide = 224;

/// Order of the second chain in the multi-scale branch. The weights are the same; files trained
/// before April 2023 need the first.
enum class ManetOrder { kBefore2023, kSince2023 };

class Manet {
 public:
  /// Throws ArtifactError naming an array that is missing or of another shape.
  Manet(WeightSet weights, ManetOrder order);
  ~Manet();
  Manet(Manet&&) noexcept;
  Manet& operator=(Manet&&) noexcept;

  /// Shapes: faces, each [224, 224, 3] RGB -> [faces, width], the local branch first.
  [[nodiscard]] std::vector<float> embed(std::span<const std::vector<std::uint8_t>> faces) const;

  [[nodiscard]] std::int64_t width() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hardy
