// Exact t-SNE (van der Maaten and Hinton 2008) of a few hundred points, for maps that people look
// at. Its distances mean little; numbers belong beside it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hardy {

struct TsneOptions {
  double perplexity = 30;  ///< lowered to a third of the other points where there are few
  int iterations = 750;
  int exaggerated_iterations = 250;  ///< of these, at the beginning
  double exaggeration = 12;
  std::uint64_t seed = 1;  ///< root of the stream "tsne.start"
};

/// Most points; cost grows with their square.
inline constexpr std::int64_t kMaxTsnePoints = 2000;

/// The fewest points that have neighbourhoods; fewer are shown by their principal components.
inline constexpr std::int64_t kMinTsnePoints = 5;

/// Places on the map. Starts from the first two principal components. The rows are first put into
/// the order of their contents, so that the order they come in changes nothing at all; equal rows
/// get equal places; equal calls give equal bits. Shapes: rows [n, width] row-major, -> [n, 2].
/// Throws ShapeError when sizes disagree, there are more than kMaxTsnePoints rows, or a value is
/// not finite.
std::vector<double> tsne(std::span<const float> rows, std::int64_t width,
                         const TsneOptions& options = {});

/// The first two principal components, each scaled to deviation 1 (0 where the rows do not vary)
/// with the sign that makes its largest value positive. Shapes as for tsne.
std::vector<double> principal_plane(std::span<const float> rows, std::int64_t width,
                                    std::uint64_t seed);

}  // namespace hardy
