#include "methods/hardymer/row_source.h"

#include <algorithm>
#include <cmath>

namespace hardy {

void RowSource::copy(std::int64_t row, float* to) const {
  auto source = members_.empty() ? row : members_[static_cast<std::size_t>(row)];
  if (!places_.empty()) source = places_[static_cast<std::size_t>(source)];
  const float* from = features_.data() + source * width_;
  if (scaling_.mean.empty()) {
    std::copy(from, from + width_, to);
  } else {
    const float* mean = scaling_.mean.data();
    const float* deviation = scaling_.deviation.data();
    const float* lowest = scaling_.lowest.data();
    const float* highest = scaling_.highest.data();
    for (std::int64_t j = 0; j < width_; ++j) {
      to[j] = std::min(std::max((from[j] - mean[j]) / deviation[j], lowest[j]), highest[j]);
    }
  }
  if (!is_normalised_) return;
  double squares = 0;
  for (std::int64_t j = 0; j < width_; ++j) {
    squares += static_cast<double>(to[j]) * static_cast<double>(to[j]);
  }
  const auto scale = squares > 0 ? static_cast<float>(1.0 / std::sqrt(squares)) : 0.0F;
  for (std::int64_t j = 0; j < width_; ++j) to[j] *= scale;
}

std::vector<float> RowSource::block(std::int64_t first, std::int64_t count) const {
  std::vector<float> rows(static_cast<std::size_t>(count * width_));
  for (std::int64_t i = 0; i < count; ++i) copy(first + i, rows.data() + i * width_);
  return rows;
}

void RowSource::gather(std::span<const std::int64_t> rows, std::vector<float>& to) const {
  to.resize(rows.size() * static_cast<std::size_t>(width_));
  float* place = to.data();
  for (const auto row : rows) {
    copy(row, place);
    place += width_;
  }
}

}  // namespace hardy
