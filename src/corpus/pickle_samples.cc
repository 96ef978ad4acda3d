#include "corpus/pickle_samples.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "formats/npy.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

bool is_list_of_values(const PickleValue& value) {
  return value.kind() == PickleKind::kList || value.kind() == PickleKind::kTuple;
}

std::string number_as_text(double value) {
  constexpr double kLargestWhole = 0x1p53;  // not every larger whole number is a double
  return std::abs(value) <= kLargestWhole && value == std::floor(value)
             ? fmt::format("{}", static_cast<std::int64_t>(value))
             : fmt::format("{}", value);
}

bool is_text_array(const PickleArray& array) {
  return array.dtype.type == 'U' || array.dtype.type == 'S';
}

std::string text_of_element(const PickleArray& array, std::int64_t i) {
  if (is_text_array(array)) return array_text(array, i);
  if (array.dtype.type == 'O') {
    const PickleRef item = array.data->items()[static_cast<std::size_t>(i)];
    const bool is_text = item->kind() == PickleKind::kText || item->kind() == PickleKind::kBytes;
    return is_text ? item->text() : number_as_text(item->real());
  }
  return number_as_text(array_real(array, i));
}

/// The leaves of a nested value as text.
void collect_texts(const PickleValue& value, std::vector<std::string>& texts) {
  switch (value.kind()) {
    case PickleKind::kText:
    case PickleKind::kBytes:
      texts.push_back(value.text());
      return;
    case PickleKind::kArray:
      for (std::int64_t i = 0; i < value.array().size(); ++i) {
        texts.push_back(text_of_element(value.array(), i));
      }
      return;
    case PickleKind::kList:
    case PickleKind::kTuple:
      for (const PickleRef item : value.items()) collect_texts(*item, texts);
      return;
    default:
      texts.push_back(number_as_text(value.real()));
  }
}

void collect_numbers(const PickleValue& value, std::vector<double>& numbers) {
  if (value.kind() == PickleKind::kArray) {
    for (std::int64_t i = 0; i < value.array().size(); ++i) {
      numbers.push_back(array_real(value.array(), i));
    }
  } else if (is_list_of_values(value)) {
    for (const PickleRef item : value.items()) collect_numbers(*item, numbers);
  } else {
    numbers.push_back(value.real());
  }
}

/// Elements of one row of an array whose first index counts rows.
std::int64_t row_length(const PickleArray& array) {
  std::int64_t length = 1;
  for (std::size_t axis = 1; axis < array.shape.size(); ++axis) length *= array.shape[axis];
  return length;
}

/// Index of element `at` of row `row` in a column-major array.
std::int64_t fortran_place(const PickleArray& array, std::int64_t row, std::int64_t at) {
  std::int64_t place = row;
  std::vector<std::int64_t> index(array.shape.size(), 0);
  for (std::size_t axis = array.shape.size(); axis-- > 1;) {
    index[axis] = at % array.shape[axis];
    at /= array.shape[axis];
  }
  std::int64_t stride = array.shape[0];
  for (std::size_t axis = 1; axis < array.shape.size(); ++axis) {
    place += index[axis] * stride;
    stride *= array.shape[axis];
  }
  return place;
}

/// Index of element `at` (row-major) of row `row`.
std::int64_t place_in(const PickleArray& array, std::int64_t row, std::int64_t at) {
  if (!array.is_fortran || array.shape.size() < 2) return row * row_length(array) + at;
  return fortran_place(array, row, at);
}

void read_row(const PickleArray& array, std::int64_t row, std::vector<float>& values) {
  const std::int64_t length = row_length(array);
  values.resize(static_cast<std::size_t>(length));
  if (!array.is_fortran || array.shape.size() < 2) {
    read_array_reals(array, row * length, length, values.data());
    return;
  }
  for (std::int64_t at = 0; at < length; ++at) {
    values[static_cast<std::size_t>(at)] =
        narrow_to_float(array_real(array, place_in(array, row, at)));
  }
}

}  // namespace

PickleRef find_key(const PickleValue& dict, std::string_view key) {
  if (dict.kind() != PickleKind::kDict) return nullptr;
  const auto& items = dict.items();
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const bool is_text =
        items[i]->kind() == PickleKind::kText || items[i]->kind() == PickleKind::kBytes;
    if (is_text && items[i]->bytes() == key) return items[i + 1];
  }
  return nullptr;
}

std::string key_text(const PickleValue& key) {
  return key.kind() == PickleKind::kInteger ? fmt::format("{}", key.integer()) : key.text();
}

bool is_column(const PickleValue& value) {
  return is_list_of_values(value) ||
         (value.kind() == PickleKind::kArray && !value.array().shape.empty());
}

std::int64_t column_size(const PickleValue& column) {
  if (!is_column(column)) {
    throw DataError(
        fmt::format("{} stands where a list or an array is expected", column.describe()));
  }
  if (column.kind() == PickleKind::kArray) {
    // Rows without elements take no space in the file, so their number is not trusted.
    return column.array().size() == 0 ? 0 : column.array().shape[0];
  }
  return static_cast<std::int64_t>(column.items().size());
}

std::vector<std::vector<std::string>> read_text_rows(const PickleValue& column) {
  const std::int64_t size = column_size(column);
  std::vector<std::vector<std::string>> rows(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    auto& row = rows[static_cast<std::size_t>(i)];
    if (column.kind() != PickleKind::kArray) {
      collect_texts(*column.items()[static_cast<std::size_t>(i)], row);
      continue;
    }
    const PickleArray& array = column.array();
    for (std::int64_t at = 0; at < row_length(array); ++at) {
      row.push_back(text_of_element(array, place_in(array, i, at)));
    }
  }
  return rows;
}

std::vector<std::string> read_texts(const PickleValue& column) {
  std::vector<std::string> texts;
  for (const auto& row : read_text_rows(column)) {
    texts.push_back(fmt::format("{}", fmt::join(row, "_")));
  }
  return texts;
}

NumberRows read_number_rows(const PickleValue& column) {
  const std::int64_t size = column_size(column);
  NumberRows rows;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::size_t before = rows.values.size();
    if (column.kind() != PickleKind::kArray) {
      collect_numbers(*column.items()[static_cast<std::size_t>(i)], rows.values);
    } else {
      const PickleArray& array = column.array();
      for (std::int64_t at = 0; at < row_length(array); ++at) {
        rows.values.push_back(array_real(array, place_in(array, i, at)));
      }
    }
    const auto length = static_cast<std::int64_t>(rows.values.size() - before);
    if (i == 0) rows.width = length;
    if (length != rows.width) {
      throw DataError(fmt::format("row {} has {} numbers, row 0 has {}", i, length, rows.width));
    }
  }
  return rows;
}

SampleArrays::SampleArrays(const PickleValue& column) : size_(column_size(column)) {
  if (column.kind() == PickleKind::kArray) {
    whole_ = &column.array();
    const auto& shape = whole_->shape;
    if (shape.size() != 2 && shape.size() != 3) {
      throw DataError(fmt::format("an array of shape ({}) where [N, D] or [N, T, D] is expected",
                                  fmt::join(shape, ", ")));
    }
    width_ = shape.back();
    is_sequence_ = shape.size() == 3;
    return;
  }
  for (const PickleRef item : column.items()) {
    const bool is_array = item->kind() == PickleKind::kArray;
    const std::size_t axes = is_array ? item->array().shape.size() : 0;
    if (axes != 1 && axes != 2) {
      throw DataError(fmt::format("{} where an array [T, D] or [D] is expected", item->describe()));
    }
    const std::int64_t width = item->array().shape.back();
    if (width_ == 0) width_ = width;
    if (width != width_) {
      throw DataError(fmt::format("an array {} wide among others {} wide", width, width_));
    }
    is_sequence_ = is_sequence_ || axes == 2;
    parts_.push_back(&item->array());
  }
}

void SampleArrays::read(std::int64_t i, std::vector<float>& frames) const {
  if (whole_ != nullptr) return read_row(*whole_, i, frames);
  const PickleArray& array = *parts_[static_cast<std::size_t>(i)];
  frames.clear();
  std::vector<float> row;
  // A vector is one frame; the rows of a matrix are consecutive.
  const std::int64_t rows = array.shape.size() == 1 ? 1 : array.shape[0];
  if (array.shape.size() == 1 || !array.is_fortran) {
    frames.resize(static_cast<std::size_t>(array.size()));
    read_array_reals(array, 0, array.size(), frames.data());
    return;
  }
  for (std::int64_t t = 0; t < rows; ++t) {
    read_row(array, t, row);
    frames.insert(frames.end(), row.begin(), row.end());
  }
}

}  // namespace hardy
