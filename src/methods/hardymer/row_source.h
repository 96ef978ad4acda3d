// Rows of a retrieval database as its metric compares them, copied block by block, so that a
// database in a mapped file is never in memory as a whole.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hardy {

/// A view; what it shows must outlive it.
class RowSource {
 public:
  /// Shapes: features [n, width], row-major. Shows the rows `members`, or every row when that is
  /// empty; of length 1 when `is_normalised` (a row of zeros stays).
  RowSource(std::span<const float> features, std::int64_t width,
            std::span<const std::int64_t> members, bool is_normalised)
      : features_(features), width_(width), members_(members), is_normalised_(is_normalised) {}

  [[nodiscard]] std::int64_t width() const { return width_; }

  [[nodiscard]] std::int64_t size() const {
    return static_cast<std::int64_t>(
        members_.empty() ? features_.size() / static_cast<std::size_t>(width_) : members_.size());
  }

  /// Copies one row. Range: 0 <= row < size(); `to` has room for width() numbers.
  void copy(std::int64_t row, float* to) const;

  /// Rows `first`.. `first + count - 1`, one after another.
  [[nodiscard]] std::vector<float> block(std::int64_t first, std::int64_t count) const;

  /// The given rows, one after another.
  void gather(std::span<const std::int64_t> rows, std::vector<float>& to) const;

 private:
  std::span<const float> features_;
  std::int64_t width_;
  std::span<const std::int64_t> members_;
  bool is_normalised_;
};

}  // namespace hardy
