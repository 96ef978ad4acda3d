#include "formats/npy_cells.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "formats/npy.h"

namespace hardy {
namespace {

/// An array as frames: T rows of D columns; a vector is one row.
struct Frames {
  NpyArray array;
  std::size_t rows = 1;
  std::size_t width = 0;
  bool is_vector = true;

  [[nodiscard]] std::span<const float> row(std::size_t i) const {
    return std::span(array.values).subspan(i * width, width);
  }
};

Frames read_frames(std::span<const std::byte> bytes, std::string_view name) {
  Frames frames{parse_npy(bytes, name)};
  auto shape = frames.array.shape;
  std::erase(shape, 1);
  frames.width = frames.array.values.size();
  if (shape.size() == 2) {
    frames.is_vector = false;
    frames.rows = static_cast<std::size_t>(shape[0]);
    frames.width = static_cast<std::size_t>(shape[1]);
  }
  return frames;
}

bool is_usable_row(std::span<const float> row, float limit) {
  return std::all_of(row.begin(), row.end(), [&](float x) { return is_usable(x, limit); });
}

/// Storage index of element `i` in row-major order.
std::size_t storage_index(const NpyHeader& header, std::size_t i) {
  if (!header.is_fortran) return i;
  std::size_t place = 0;
  std::size_t stride = header.count;
  for (std::size_t axis = header.shape.size(); axis-- > 0;) {
    const auto extent = static_cast<std::size_t>(header.shape[axis]);
    stride /= extent;
    place += (i % extent) * stride;
    i /= extent;
  }
  return place;
}

}  // namespace

bool is_usable(float value, float limit) { return std::abs(value) <= limit; }

std::string bad_value_text(double value) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  const bool is_beyond = std::abs(value) > static_cast<double>(std::numeric_limits<float>::max());
  return fmt::format("{:g} ({} float32)", value, is_beyond ? "beyond" : "its square is beyond");
}

double stored_number(std::span<const std::byte> bytes, std::string_view name, std::size_t i) {
  const NpyHeader header = parse_npy_header(bytes, name);
  if (header.type != 'f' || header.item_size != 8) {
    return static_cast<double>(parse_npy(bytes, name).values.at(i));
  }
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes.data() + header.data_offset + 8 * storage_index(header, i), sizeof bits);
  return std::bit_cast<double>(header.is_big_endian ? __builtin_bswap64(bits) : bits);
}

std::string BadCell::text() const {
  const std::string place = frame < 0 ? fmt::format("column {}", column)
                                      : fmt::format("frame {}, column {}", frame, column);
  const std::string others = of_frames > 0 ? fmt::format("{} of {} frames", frames, of_frames)
                                           : fmt::format("{} such values", cells);
  return fmt::format("{} is {} ({})", place, bad_value_text(value), others);
}

std::optional<BadCell> find_bad_cell(std::span<const std::byte> bytes, std::string_view name,
                                     float limit) {
  const Frames frames = read_frames(bytes, name);
  BadCell cell;
  for (std::size_t t = 0; t < frames.rows; ++t) {
    const auto row = frames.row(t);
    const auto bad =
        std::count_if(row.begin(), row.end(), [&](float x) { return !is_usable(x, limit); });
    if (bad == 0) continue;
    if (cell.cells == 0) {
      const auto first =
          std::find_if(row.begin(), row.end(), [&](float x) { return !is_usable(x, limit); });
      cell.column = first - row.begin();
      cell.frame = frames.is_vector ? -1 : static_cast<std::int64_t>(t);
      cell.value =
          stored_number(bytes, name, t * frames.width + static_cast<std::size_t>(cell.column));
    }
    cell.cells += bad;
    cell.frames += frames.is_vector ? 0 : 1;
  }
  if (cell.cells == 0) return std::nullopt;
  cell.of_frames = frames.is_vector ? 0 : static_cast<std::int64_t>(frames.rows);
  return cell;
}

std::int64_t read_usable_frames(std::span<const std::byte> bytes, std::string_view name,
                                float limit, std::vector<float>& feature) {
  read_npy_feature(bytes, name,
                   feature);  // refuses an array that is neither a vector nor a sequence
  const Frames frames = read_frames(bytes, name);
  std::vector<double> sums(frames.width, 0.0);
  std::int64_t kept = 0;
  for (std::size_t t = 0; t < frames.rows; ++t) {
    const auto row = frames.row(t);
    if (!is_usable_row(row, limit)) continue;
    ++kept;
    for (std::size_t d = 0; d < row.size(); ++d) sums[d] += static_cast<double>(row[d]);
  }
  feature.clear();
  for (const double sum : sums) {
    if (kept > 0) feature.push_back(static_cast<float>(sum / static_cast<double>(kept)));
  }
  return static_cast<std::int64_t>(frames.rows) - kept;
}

}  // namespace hardy
