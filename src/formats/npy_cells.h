// Unusable cells of .npy arrays: NaN, infinity, numbers beyond a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hardy {

/// Whether a value is finite and at most `limit` in magnitude.
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

/// Searches a whole .npy file. Throws DataError as parse_npy.
std::optional<BadCell> find_bad_cell(std::span<const std::byte> bytes, std::string_view name,
                                     float limit);

/// The mean over the frames without unusable values, by the rule of read_npy_feature; empty when
/// there is none, or for an unusable vector. Returns the number of frames that were left out.
/// Throws DataError as read_npy_feature.
std::int64_t read_usable_frames(std::span<const std::byte> bytes, std::string_view name,
                                float limit, std::vector<float>& feature);

/// "-inf", "1e+300 (beyond float32)", "4e+30 (its square is beyond float32)".
std::string bad_value_text(double value);

/// Element `i` (row-major) as stored, not rounded to float32.
double stored_number(std::span<const std::byte> bytes, std::string_view name, std::size_t i);

}  // namespace hardy
