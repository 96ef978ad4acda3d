// Exact t-SNE (van der Maaten and Hinton 2008) of a few hundred points, for maps. Distances on a
// map mean little; numbers belong beside it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hardy {

struct TsneOptions {
  double perplexity = 30;  ///< reduced to a third of the other points if there are few
  int iterations = 750;
  int exaggerated_iterations = 250;  ///< the first of these iterations
  double exaggeration = 12;
  std::uint64_t seed = 1;  ///< root of the stream "tsne.start"
};

/// Largest number of points; cost grows with its square.
inline constexpr std::int64_t kMaxTsnePoints = 2000;

/// Smallest number of points with neighbourhoods; fewer are shown by their principal components.
inline constexpr std::int64_t kMinTsnePoints = 5;

/// Positions on the map, starting from the first two principal components. Rows are sorted by
/// content first, so that their order has no effect; equal rows get equal positions; equal calls
/// give equal bits. Shapes: rows [n, width] row-major, -> [n, 2]. Throws ShapeError when sizes
/// disagree, there are more than kMaxTsnePoints rows, or a value is not finite.
std::vector<double> tsne(std::span<const float> rows, std::int64_t width,
                         const TsneOptions& options = {});

/// The first two principal components, each scaled to standard deviation 1 (0 for constant rows),
/// with the sign that makes the largest value positive. Shapes as for tsne.
std::vector<double> principal_plane(std::span<const float> rows, std::int64_t width,
                                    std::uint64_t seed);

}  // namespace hardy
