// Features of one modality on a device, standardised when rows are taken, so that a corpus that is
// mapped need never be copied as a whole.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace hardy {

/// Standardisation of one modality: (x - mean) / deviation, kept between two limits.
struct ColumnScaling {
  at::Tensor mean;       ///< [d]
  at::Tensor deviation;  ///< [d], > 0
  at::Tensor lowest;     ///< [d]
  at::Tensor highest;    ///< [d]
};

/// [N, d] float32. A cheap handle: copies share what they stand for.
class FeatureRows {
 public:
  /// Rows as they are.
  FeatureRows(at::Tensor rows) : rows_(std::move(rows)) {}

  /// Rows to be scaled when they are taken. `absent` [N], bool: rows that are zero.
  FeatureRows(at::Tensor rows, ColumnScaling scaling, at::Tensor absent)
      : rows_(std::move(rows)), scaling_(std::move(scaling)), absent_(std::move(absent)) {}

  /// The same with further rows that are zero. `absent` [N], bool.
  [[nodiscard]] FeatureRows without(const at::Tensor& absent) const;

  /// Some columns of rows that are neither scaled nor absent.
  [[nodiscard]] FeatureRows columns(std::int64_t first, std::int64_t count) const;

  [[nodiscard]] std::int64_t size(std::int64_t dimension) const { return rows_.size(dimension); }

  [[nodiscard]] at::IntArrayRef sizes() const { return rows_.sizes(); }

  [[nodiscard]] at::Device device() const { return rows_.device(); }

  [[nodiscard]] at::TensorOptions options() const { return rows_.options(); }

  /// Some rows. `dimension` is 0, as of a tensor. Shapes: index [k] -> [k, d], new memory.
  [[nodiscard]] at::Tensor index_select(std::int64_t dimension, const at::Tensor& index) const;

  /// Rows `first`.. `first + count - 1`. May share memory with the table: not to be written to.
  [[nodiscard]] at::Tensor narrow_rows(std::int64_t first, std::int64_t count) const;

  /// One row. Shapes: -> [d].
  at::Tensor operator[](std::int64_t row) const { return narrow_rows(row, 1).squeeze(0); }

  /// The rows as they are stored, before scaling. Shapes: -> [N, d].
  [[nodiscard]] const at::Tensor& stored() const { return rows_; }

  /// How rows are scaled when they are taken; undefined tensors = they are stored as they are used.
  [[nodiscard]] const ColumnScaling& scaling() const { return scaling_; }

  /// Every row; takes memory of that size where rows are scaled.
  [[nodiscard]] at::Tensor all() const { return narrow_rows(0, size(0)); }

 private:
  [[nodiscard]] bool is_plain() const { return !scaling_.mean.defined() && !absent_.defined(); }

  void finish(at::Tensor& values, const at::Tensor& absent) const;

  at::Tensor rows_;
  ColumnScaling scaling_;
  at::Tensor absent_;
};

}  // namespace hardy
