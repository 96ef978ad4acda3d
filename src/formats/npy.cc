#include "formats/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/foreign.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeaderBytes = std::size_t{1} << 16;
constexpr std::size_t kMaxAxes = 32;
constexpr std::int64_t kMaxTextCharacters = 1 << 16;

[[noreturn]] void refuse(std::string_view name, const std::string& what) {
  throw DataError(fmt::format("{}: not a usable .npy file: {}", name, what));
}

/// Reads the literal of a Python dict that numpy writes: three known keys, in any order.
class HeaderText {
 public:
  HeaderText(std::string_view text, std::string_view name, bool numbers_only)
      : rest_(text), name_(name), numbers_only_(numbers_only) {}

  NpyHeader parse() {
    NpyHeader header;
    unsigned seen = 0;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      const unsigned field = key == "descr" ? 1U : key == "fortran_order" ? 2U : 4U;
      if ((field == 4U && key != "shape") || (seen & field) != 0) {
        fail(fmt::format("unexpected key '{}'", key.substr(0, 40)));
      }
      seen |= field;
      if (field == 1U) read_type(header);
      if (field == 2U) header.is_fortran = boolean();
      if (field == 4U) header.shape = shape();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (seen != 7U || !rest_.empty()) fail("it lacks descr, fortran_order or shape");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { refuse(name_, "its header: " + what); }

  void skip_blanks() {
    const std::size_t first = rest_.find_first_not_of(" \t\n\r");
    rest_.remove_prefix(first == std::string_view::npos ? rest_.size() : first);
  }

  bool accept(char wanted) {
    skip_blanks();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(fmt::format("'{}' is missing", wanted));
  }

  std::string_view quoted() {
    skip_blanks();
    if (rest_.empty() || (rest_.front() != '\'' && rest_.front() != '"')) {
      fail("a quoted text is missing (records of named fields are not supported)");
    }
    const std::size_t end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) fail("a quoted text does not end");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }

  bool boolean() {
    skip_blanks();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    fail("fortran_order is neither True nor False");
  }

  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> extents;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      std::int64_t extent = -1;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc{} || extent < 0) fail("the shape holds something else than counts");
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      if (rest_.starts_with('L')) rest_.remove_prefix(1);  // written by Python 2
      extents.push_back(extent);
      if (extents.size() > kMaxAxes) fail("the shape has too many axes");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return extents;
  }

  void read_type(NpyHeader& header) {
    const std::string_view code = quoted();
    std::string_view rest = code;
    if (!rest.empty() && std::string_view("<>|=").find(rest.front()) != std::string_view::npos) {
      header.is_big_endian = rest.front() == '>';
      rest.remove_prefix(1);
    }
    if (rest == "?") rest = "b1";
    const auto size = to_integer(rest.substr(rest.empty() ? 0 : 1));
    header.type = rest.empty() ? ' ' : rest.front();
    header.item_size = size && *size > 0 && *size <= 8 ? static_cast<std::size_t>(*size) : 0;
    if (!numbers_only_ && read_other_type(header, size.value_or(0))) return;
    const std::size_t bytes = header.item_size;
    const bool is_real = header.type == 'f' && (bytes == 2 || bytes == 4 || bytes == 8);
    const bool is_integer =
        (header.type == 'i' || header.type == 'u') && std::has_single_bit(bytes);
    if (is_real || is_integer || (header.type == 'b' && bytes == 1)) return;
    fail(fmt::format(
        "type '{}' is not supported{}; save the array as float32 "
        "(array.astype('float32'))",
        code.substr(0, 40), header.type == 'O' ? " (Python objects are never unpickled)" : ""));
  }

  /// Text and objects.
  static bool read_other_type(NpyHeader& header, std::int64_t size) {
    if (header.type == 'O') {
      header.item_size = 0;
      return true;
    }
    if (size < 1 || size > kMaxTextCharacters) return false;
    if (header.type == 'S') header.item_size = static_cast<std::size_t>(size);
    if (header.type == 'U') header.item_size = 4 * static_cast<std::size_t>(size);
    return header.type == 'S' || header.type == 'U';
  }

  std::string_view rest_;
  std::string_view name_;
  bool numbers_only_;
};

/// Element bytes to float, for one type.
template <typename Bits, typename Convert>
void convert_all(std::span<const std::byte> data, bool is_big_endian, float* out, Convert convert) {
  const std::size_t count = data.size() / sizeof(Bits);
  for (std::size_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, data.data() + i * sizeof bits, sizeof bits);
    if (is_big_endian) {
      if constexpr (sizeof bits == 2) bits = __builtin_bswap16(bits);
      if constexpr (sizeof bits == 4) bits = __builtin_bswap32(bits);
      if constexpr (sizeof bits == 8) bits = __builtin_bswap64(bits);
    }
    out[i] = convert(bits);
  }
}

template <typename Bits, typename Signed>
void convert_integers(const ElementType& header, std::span<const std::byte> data, float* out) {
  const bool is_signed = header.type == 'i';
  convert_all<Bits>(data, header.is_big_endian, out, [is_signed](Bits bits) {
    return is_signed ? static_cast<float>(static_cast<Signed>(bits)) : static_cast<float>(bits);
  });
}

/// Column-major to row-major order.
std::vector<float> to_row_major(const std::vector<float>& values,
                                const std::vector<std::int64_t>& shape) {
  std::vector<float> result(values.size());
  std::vector<std::int64_t> index(shape.size(), 0);
  for (float& value : result) {
    std::size_t from = 0;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      from = from * static_cast<std::size_t>(shape[axis]) + static_cast<std::size_t>(index[axis]);
    }
    value = values[from];
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return result;
}

/// The elements in row-major order.
void read_values(const NpyHeader& header, std::span<const std::byte> bytes,
                 std::vector<float>& values) {
  values.resize(header.count);
  convert_to_float({header.type, header.item_size, header.is_big_endian},
                   bytes.subspan(header.data_offset), values.data());
  if (header.is_fortran && header.shape.size() > 1) values = to_row_major(values, header.shape);
}

NpyHeader parse_header(std::span<const std::byte> bytes, std::string_view name, bool numbers_only) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (bytes.empty()) refuse(name, "it is empty");
  if (!text.starts_with(kMagic)) {
    const std::string foreign = foreign_contents(text);
    if (!foreign.empty()) refuse(name, "it is " + foreign);
  }
  if (!text.starts_with(kMagic) || bytes.size() < 10) {
    refuse(name, "it does not start as numpy's files do (truncated, or another format)");
  }
  const auto version = std::to_integer<unsigned>(bytes[6]);
  const auto minor = std::to_integer<unsigned>(bytes[7]);
  if (version < 1 || version > 3 || minor != 0) {
    refuse(name, fmt::format("format {}.{} is unknown", version, minor));
  }
  const std::size_t length_size = version == 1 ? 2 : 4;
  if (bytes.size() < 8 + length_size) refuse(name, "it is truncated");
  std::size_t length = 0;
  for (std::size_t i = length_size; i-- > 0;) {
    length = (length << 8U) | std::to_integer<std::size_t>(bytes[8 + i]);
  }
  const std::size_t start = 8 + length_size;
  if (length > bytes.size() - start || length > kMaxHeaderBytes) {
    refuse(name, fmt::format("its header claims {} bytes of {} (truncated)", length, bytes.size()));
  }
  NpyHeader header = HeaderText(text.substr(start, length), name, numbers_only).parse();
  header.data_offset = start + length;
  header.count = 1;
  bool fits = true;
  for (const std::int64_t extent : header.shape) {
    fits = fits &&
           !__builtin_mul_overflow(header.count, static_cast<std::size_t>(extent), &header.count);
  }
  const std::size_t held = bytes.size() - header.data_offset;
  std::size_t needed = 0;
  fits = fits && !__builtin_mul_overflow(header.count, header.item_size, &needed);
  if (!fits || (header.type != 'O' && held != needed)) {
    refuse(name, fmt::format("it holds {} bytes of data, its shape ({}) of {}{} needs {}; copy or "
                             "extract it again",
                             held, fmt::join(header.shape, ", "), header.type, header.item_size,
                             fits ? fmt::format("{}", needed) : "more than memory"));
  }
  return header;
}

void require_filled(const std::vector<std::int64_t>& shape, std::span<const float> values) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  if (count == values.size()) return;
  throw ShapeError(
      fmt::format("{} values do not fill the shape [{}]", values.size(), fmt::join(shape, ", ")));
}

}  // namespace

float narrow_to_float(double value) {
  constexpr double kTooLarge = 0x1.ffffffp127;  // rounds to 2^128
  if (value >= kTooLarge) return std::numeric_limits<float>::infinity();
  if (value <= -kTooLarge) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(value);
}

void convert_to_float(const ElementType& stored, std::span<const std::byte> data, float* out) {
  const bool swap = stored.is_big_endian;
  if (stored.type == 'f' && stored.item_size == 4) {
    if (!swap && !data.empty()) std::memcpy(out, data.data(), data.size());
    if (swap) {
      convert_all<std::uint32_t>(data, swap, out,
                                 [](std::uint32_t bits) { return std::bit_cast<float>(bits); });
    }
  } else if (stored.type == 'f' && stored.item_size == 8) {
    convert_all<std::uint64_t>(data, swap, out, [](std::uint64_t bits) {
      return narrow_to_float(std::bit_cast<double>(bits));
    });
  } else if (stored.type == 'f') {
    convert_all<std::uint16_t>(data, swap, out, half_to_float);
  } else if (stored.type == 'b') {
    convert_all<std::uint8_t>(data, false, out,
                              [](std::uint8_t b) { return b != 0 ? 1.0F : 0.0F; });
  } else if (stored.item_size == 1) {
    convert_integers<std::uint8_t, std::int8_t>(stored, data, out);
  } else if (stored.item_size == 2) {
    convert_integers<std::uint16_t, std::int16_t>(stored, data, out);
  } else if (stored.item_size == 4) {
    convert_integers<std::uint32_t, std::int32_t>(stored, data, out);
  } else {
    convert_integers<std::uint64_t, std::int64_t>(stored, data, out);
  }
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::string_view name) {
  return parse_header(bytes, name, true);
}

NpyHeader parse_any_npy_header(std::span<const std::byte> bytes, std::string_view name) {
  return parse_header(bytes, name, false);
}

NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view name) {
  NpyHeader header = parse_npy_header(bytes, name);
  NpyArray array;
  read_values(header, bytes, array.values);
  array.shape = std::move(header.shape);
  return array;
}

NpyArray load_npy(const std::filesystem::path& file) {
  return parse_npy(read_file(file), file.string());
}

void read_npy_feature(std::span<const std::byte> bytes, std::string_view name,
                      std::vector<float>& feature) {
  NpyHeader header = parse_npy_header(bytes, name);
  feature.clear();
  if (header.count == 0) return;
  read_values(header, bytes, feature);
  std::erase(header.shape, 1);
  if (header.shape.size() <= 1) return;
  if (header.shape.size() > 2) {
    refuse(name, fmt::format("a feature has {} axes ({}); a vector [D] or a sequence [T,D] is "
                             "expected",
                             header.shape.size(), fmt::join(header.shape, ", ")));
  }
  const auto rows = static_cast<std::size_t>(header.shape[0]);
  const auto width = static_cast<std::size_t>(header.shape[1]);
  std::vector<double> sums(width, 0.0);
  for (std::size_t i = 0; i < rows * width; ++i) sums[i % width] += static_cast<double>(feature[i]);
  feature.resize(width);
  for (std::size_t d = 0; d < width; ++d) {
    feature[d] = static_cast<float>(sums[d] / static_cast<double>(rows));
  }
}

std::string format_npy_header(const std::vector<std::int64_t>& shape) {
  std::string extents;
  for (const std::int64_t extent : shape) extents += fmt::format("{}, ", extent);
  if (shape.size() > 1) extents.resize(extents.size() - 2);
  if (shape.size() == 1) extents.resize(extents.size() - 1);
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", extents);
  const std::size_t unpadded = kMagic.size() + 4 + header.size() + 1;
  header.append((64 - unpadded % 64) % 64, ' ');
  header += '\n';

  std::string bytes(kMagic);
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xFFU);
  bytes += static_cast<char>(header.size() >> 8U);
  return bytes + header;
}

std::string format_npy(const std::vector<std::int64_t>& shape, std::span<const float> values) {
  require_filled(shape, values);
  std::string bytes = format_npy_header(shape);
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return bytes;
}

void save_npy(const std::filesystem::path& file, const std::vector<std::int64_t>& shape,
              std::span<const float> values) {
  require_filled(shape, values);
  const std::string header = format_npy_header(shape);
  write_file_atomically(file, {std::as_bytes(std::span(header)), std::as_bytes(values)});
}

}  // namespace hardy
