#include "formats/pickle_writer.h"

#include <bit>

#include "hardy/errors.h"

namespace hardy {
namespace {

template <typename Number>
void append_little(std::string& bytes, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    bytes += static_cast<char>(number >> (8 * i) & 0xFFU);
  }
}

}  // namespace

PickleWriter::PickleWriter() : bytes_("\x80\x04") {}

void PickleWriter::add_integer(std::int64_t value) {
  constexpr char kLong1 = '\x8A';
  bytes_ += kLong1;
  bytes_ += static_cast<char>(sizeof value);
  append_little(bytes_, static_cast<std::uint64_t>(value));
}

void PickleWriter::add_real(double value) {
  bytes_ += 'G';
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) bytes_ += static_cast<char>(bits >> shift & 0xFFU);
}

void PickleWriter::add_text(std::string_view value) {
  constexpr char kUnicode8 = '\x8D';
  bytes_ += kUnicode8;
  append_little(bytes_, static_cast<std::uint64_t>(value.size()));
  bytes_ += value;
}

void PickleWriter::add_bytes(std::string_view value) {
  constexpr char kBytes8 = '\x8E';
  bytes_ += kBytes8;
  append_little(bytes_, static_cast<std::uint64_t>(value.size()));
  bytes_ += value;
}

void PickleWriter::add_name(std::string_view module, std::string_view name) {
  bytes_ += 'c';
  bytes_ += module;
  bytes_ += '\n';
  bytes_ += name;
  bytes_ += '\n';
}

/// dtype('<f4') as numpy pickles it: made from a name, then given its byte order.
void PickleWriter::add_type() {
  add_name("numpy", "dtype");
  begin();
  add_text("f4");
  bytes_ += "\x89\x88tR";  // False, True, tuple, call
  begin();
  add_integer(3);
  add_text("<");
  bytes_ += "NNN";
  add_integer(-1);
  add_integer(-1);
  add_integer(0);
  bytes_ += "tb";
}

void PickleWriter::add_array(const std::vector<std::int64_t>& shape,
                             std::span<const float> values) {
  static_assert(std::endian::native == std::endian::little, "values are copied as they lie");
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  if (count != static_cast<std::int64_t>(values.size())) {
    throw ShapeError("a pickled array: shape and values differ in size");
  }
  add_name("numpy.core.multiarray", "_reconstruct");
  begin();
  add_name("numpy", "ndarray");
  begin();
  add_integer(0);
  bytes_ += 't';
  add_bytes("b");
  bytes_ += "tR";
  begin();
  add_integer(1);
  begin();
  for (const std::int64_t extent : shape) add_integer(extent);
  bytes_ += 't';
  add_type();
  bytes_ += '\x89';  // not in Fortran's order
  add_bytes({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  bytes_ += "tb";
}

std::string PickleWriter::finish() {
  bytes_ += '.';
  return std::move(bytes_);
}

}  // namespace hardy
