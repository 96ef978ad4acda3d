// Rows of a retrieval database as its metric compares them, copied block by block, so that a
// database in a mapped file is never in memory as a whole.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hardy {

/// Standardisation of stored columns, as of FeatureRows; empty spans = the rows are used as stored.
struct RowScaling {
  std::span<const float> mean;       ///< [width]
  std::span<const float> deviation;  ///< [width], > 0
  std::span<const float> lowest;     ///< [width]
  std::span<const float> highest;    ///< [width]
};

/// A view; what it shows must outlive it.
class RowSource {
 public:
  /// Shapes: features [n, width], row-major. Shows the rows `members`, or every row when that is
  /// empty; of length 1 when `is_normalised` (a row of zeros stays).
  RowSource(std::span<const float> features, std::int64_t width,
            std::span<const std::int64_t> members, bool is_normalised)
      : features_(features), width_(width), members_(members), is_normalised_(is_normalised) {}

  /// The same with row i of the database stored as row `places[i]` of the features (empty: as i)
  /// and scaled when it is copied.
  [[nodiscard]] RowSource stored_at(std::span<const std::int64_t> places,
                                    const RowScaling& scaling) const {
    RowSource source = *this;
    source.places_ = places;
    source.scaling_ = scaling;
    return source;
  }

  [[nodiscard]] std::int64_t width() const { return width_; }

  [[nodiscard]] std::int64_t size() const {
    if (!members_.empty()) return static_cast<std::int64_t>(members_.size());
    if (!places_.empty()) return static_cast<std::int64_t>(places_.size());
    return static_cast<std::int64_t>(features_.size()) / width_;
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
  std::span<const std::int64_t> places_ = {};
  RowScaling scaling_ = {};
  bool is_normalised_;
};

}  // namespace hardy
