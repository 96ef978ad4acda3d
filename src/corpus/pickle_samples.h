// Columns of a pickled data set: text, numbers and arrays with one entry per utterance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/pickle.h"

namespace hardy {

/// The value of a key of a dict; null without such a key, or if `dict` is no dict.
PickleRef find_key(const PickleValue& dict, std::string_view key);

/// A key of a dict as text; integers as Python prints them. Throws DataError for other values.
std::string key_text(const PickleValue& key);

/// Whether a value is a list, tuple or numpy array, i.e. may be a column.
bool is_column(const PickleValue& value);

/// Number of entries of a column: the length of a list, the first dimension of an array. Throws
/// DataError for other values.
std::int64_t column_size(const PickleValue& column);

/// The text of a column; numbers as Python prints them, a row of several as a list of its parts.
/// Throws DataError when an entry is neither.
std::vector<std::vector<std::string>> read_text_rows(const PickleValue& column);

/// The same for one text per entry; parts are joined by `_`.
std::vector<std::string> read_texts(const PickleValue& column);

/// The numbers of a column, row by row: [N, K]; nested lists and arrays [N], [N, K], [N, 1, K].
struct NumberRows {
  std::int64_t width = 0;      ///< K
  std::vector<double> values;  ///< [N, K]
};

/// Throws DataError when rows differ in length or contain anything but numbers.
NumberRows read_number_rows(const PickleValue& column);

/// The feature arrays of a column: an array [N, T, D] or [N, D] (T = 1), or a list of N arrays
/// [T, D] or [D], where T may differ.
class SampleArrays {
 public:
  /// Throws DataError when the column is neither.
  explicit SampleArrays(const PickleValue& column);

  [[nodiscard]] std::int64_t size() const { return size_; }

  /// D.
  [[nodiscard]] std::int64_t width() const { return width_; }

  /// Whether samples are sequences of frames.
  [[nodiscard]] bool is_sequence() const { return is_sequence_; }

  /// The frames of sample `i`, row-major [T, D]; replaces `frames`. Requires: i < size().
  void read(std::int64_t i, std::vector<float>& frames) const;

 private:
  const PickleArray* whole_ = nullptr;     ///< an array of all samples
  std::vector<const PickleArray*> parts_;  ///< else one array per sample
  std::int64_t size_ = 0;
  std::int64_t width_ = 0;
  bool is_sequence_ = false;
};

}  // namespace hardy
