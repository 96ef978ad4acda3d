// Single cells of .npy arrays that no computation can use: NaN, infinity, numbers beyond a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// Whether a value can be computed with: finite and at most `limit` in size.
bool is_usable(float value, float limit);

/// The first cell of an array that is not usable.
struct BadCell {
  std::int64_t frame = -1;     ///< of a sequence [T, D], from 0; -1 in a vector
  std::int64_t column = 0;     ///< from 0
  double value = 0;            ///< as stored, e.g. 1e300 where float32 has infinity
  std::int64_t cells = 0;      ///< unusable cells in the whole array
  std::int64_t frames = 0;     ///< frames that hold one; 0 in a vector
  std::int64_t of_frames = 0;  ///< T; 0 in a vector

  /// "frame 3, column 5 is -inf (1 of 8 frames)".
  [[nodiscard]] std::string text() const;
};

/// Looks through a whole .npy file. Throws DataError as parse_npy does.
std::optional<BadCell> find_bad_cell(std::span<const std::byte> bytes, std::string_view name,
                                     float limit);

/// The mean over the frames that are usable throughout, as read_npy_feature takes it over all;
/// empty when none is, or when the array is a vector that is not usable. Returns how many frames
/// were left out. Throws DataError as read_npy_feature does.
std::int64_t read_usable_frames(std::span<const std::byte> bytes, std::string_view name,
                                float limit, std::vector<float>& feature);

/// "-inf", "1e+300 (beyond float32)", "4e+30 (its square is beyond float32)".
std::string bad_value_text(double value);

/// Element `i` (row-major) of an array as it is stored, not rounded to float32.
double stored_number(std::span<const std::byte> bytes, std::string_view name, std::size_t i);

}  // namespace hardy
