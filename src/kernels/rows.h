// A row-major matrix in memory. Internal.
#pragma once

#include <cstdint>

namespace hardy::predict {

/// Rows at a distance of `stride` floats.
template <typename Value>
struct RowsOf {
  Value* data = nullptr;
  std::int64_t stride = 0;

  [[nodiscard]] Value* row(std::int64_t i) const { return data + i * stride; }
};

using Rows = RowsOf<float>;
using ConstRows = RowsOf<const float>;

inline ConstRows constant(const Rows& rows) { return {rows.data, rows.stride}; }

}  // namespace hardy::predict
