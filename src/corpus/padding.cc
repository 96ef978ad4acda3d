#include "corpus/padding.h"

#include <algorithm>

#include "corpus/sequence.h"

namespace hardy {
namespace {

std::span<const float> masked_frames(const NumberRows& mask, std::int64_t i, std::size_t columns,
                                     std::vector<float>& frames) {
  const std::size_t total = frames.size() / columns;
  const double* marks = mask.values.data() + static_cast<std::size_t>(i) * total;
  std::size_t kept = 0;
  for (std::size_t t = 0; t < total; ++t) {
    if (marks[t] == 0) continue;
    const auto from = frames.begin() + static_cast<std::ptrdiff_t>(t * columns);
    std::copy_n(from, columns, frames.begin() + static_cast<std::ptrdiff_t>(kept * columns));
    ++kept;
  }
  return std::span<const float>(frames).first(kept * columns);
}

bool is_zero_throughout(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return value == 0; });
}

}  // namespace

PaddedFrames without_padding(const Padding& padding, std::int64_t i, std::int64_t width,
                             std::vector<float>& frames) {
  const auto columns = static_cast<std::size_t>(width);
  const std::size_t total = frames.size() / columns;
  if (total > 0 && padding.mask.width == static_cast<std::int64_t>(total)) {
    return {masked_frames(padding.mask, i, columns, frames), false};
  }
  const std::span<const float> all(frames);
  if (padding.lengths.empty()) return {strip_padding(all, width), false};
  const double given = padding.lengths[static_cast<std::size_t>(i)];
  if (!(given > 0)) return {{}, !is_zero_throughout(all)};
  const auto length = static_cast<std::size_t>(std::min(given, static_cast<double>(total)));
  const auto first = all.first(length * columns);
  if (is_zero_throughout(all.subspan(length * columns))) return {first, false};
  if (is_zero_throughout(all.first((total - length) * columns))) {
    return {all.last(length * columns), false};
  }
  return {first, true};
}

}  // namespace hardy
