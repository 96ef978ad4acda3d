#include "methods/hardymer_published/padded_layout.h"

#include <algorithm>

namespace hardy {

MisreadBatch misread(const std::vector<std::int64_t>& offsets) {
  const auto dialogues = static_cast<std::int64_t>(offsets.size()) - 1;
  const auto length_of = [&](std::int64_t b) {
    const auto i = static_cast<std::size_t>(b);
    return offsets[i + 1] - offsets[i];
  };
  std::int64_t longest = 0;
  for (std::int64_t b = 0; b < dialogues; ++b) longest = std::max(longest, length_of(b));
  MisreadBatch result;
  for (std::int64_t b = 0; b < dialogues; ++b) {
    for (std::int64_t s = 0; s < longest; ++s) {
      const std::int64_t flat = s * dialogues + b;
      const std::int64_t other = flat / longest;
      const std::int64_t place = flat % longest;
      const bool is_real = place < length_of(other);
      if (s < length_of(b)) {
        result.source.push_back(is_real ? offsets[static_cast<std::size_t>(other)] + place : -1);
      } else if (is_real) {
        result.padding.push_back(b);
      }
    }
  }
  return result;
}

}  // namespace hardy
