/// @file
/// The numbers of one modality: in memory of this process, or in a mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace hardy {

/// Row-major float32 numbers. Reads as a const vector does. Whoever changes a mapped array gets a
/// copy in memory first, so a loop that only reads should go over a const array. Copies of a mapped
/// array share the file. Const methods are thread-safe.
class FeatureArray {
 public:
  using value_type = float;             ///< as of a container
  using iterator = float*;              ///< of an array in memory
  using const_iterator = const float*;  ///< of any array

  FeatureArray() = default;  ///< No numbers.

  /// Numbers in memory, row by row.
  FeatureArray(std::vector<float> values) : values_(std::move(values)) {}

  /// The same, written out.
  FeatureArray(std::initializer_list<float> values) : values_(values) {}

  /// `count` numbers of a file from byte `offset` (a multiple of 4) on. They cost page cache, but
  /// no memory of this process. A file that somebody shortens meanwhile ends the process. Throws
  /// IoError.
  static FeatureArray map(const std::filesystem::path& file, std::size_t offset, std::size_t count);

  /// Makes a range of numbers read as zeros; a mapped file stays as it is, and the pages of the
  /// range become memory of this process. Before the array is copied or shared.
  void hide(std::size_t first, std::size_t count);

  /// Whether the numbers are those of a file.
  [[nodiscard]] bool is_mapped() const { return mapping_ != nullptr; }

  /// Throws DataError when the mapped file is no longer the one that was mapped: results would mix
  /// two corpora.
  void require_unchanged() const;

  /// The first number; size() follow one another.
  [[nodiscard]] const float* data() const { return is_mapped() ? mapped_ : values_.data(); }

  /// Rows times width.
  [[nodiscard]] std::size_t size() const { return is_mapped() ? count_ : values_.size(); }

  /// Whether there are no numbers.
  [[nodiscard]] bool empty() const { return size() == 0; }

  /// As of a container.
  [[nodiscard]] const float* begin() const { return data(); }

  /// As of a container.
  [[nodiscard]] const float* end() const { return data() + size(); }

  /// Number i < size(), unchecked.
  const float& operator[](std::size_t i) const { return data()[i]; }

  /// The numbers in memory of this process, to be changed.
  std::vector<float>& own();

  /// The first number, to be changed: of a mapped array, in a copy.
  float* data() { return own().data(); }

  /// As data(), for a loop that changes.
  float* begin() { return data(); }

  /// Past the last number, for a loop that changes.
  float* end() { return begin() + size(); }

  /// Number i < size(), to be changed, unchecked.
  float& operator[](std::size_t i) { return own()[i]; }

  /// `count` times the same number in memory.
  void assign(std::size_t count, float value) { *this = std::vector<float>(count, value); }

  /// The numbers of a range, in memory.
  template <typename Iterator>
  void assign(Iterator first, Iterator last) {
    *this = std::vector<float>(first, last);
  }

  /// One more number, in memory.
  void push_back(float value) { own().push_back(value); }

  /// No numbers any more; a mapped file stays as it is.
  void clear() { *this = FeatureArray(); }

  /// Whether both hold the same numbers; NaN equals nothing.
  friend bool operator==(const FeatureArray& x, const FeatureArray& y);

 private:
  struct Mapping;

  std::vector<float> values_;
  std::shared_ptr<const Mapping> mapping_;
  const float* mapped_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace hardy
