#include "formats/pickle.h"

#include <bit>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/foreign.h"
#include "formats/npy.h"
#include "formats/pickle_machine.h"
#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

const char* kind_name(PickleKind kind) {
  switch (kind) {
    case PickleKind::kNone:
      return "None";
    case PickleKind::kBool:
      return "a boolean";
    case PickleKind::kInteger:
      return "an integer";
    case PickleKind::kReal:
      return "a real number";
    case PickleKind::kText:
      return "a text";
    case PickleKind::kBytes:
      return "bytes";
    case PickleKind::kList:
      return "a list";
    case PickleKind::kTuple:
      return "a tuple";
    case PickleKind::kDict:
      return "a dict";
    case PickleKind::kSet:
      return "a set";
    case PickleKind::kArray:
      return "a numpy array";
    case PickleKind::kDtype:
      return "a numpy type";
    case PickleKind::kGlobal:
      return "a name";
    case PickleKind::kStorage:
      return "a torch storage";
    case PickleKind::kTensor:
      return "a torch tensor";
    case PickleKind::kOpaque:
      return "an object of an unknown class";
  }
  return "a value";
}

/// The bytes of element `i`. Throws when it does not exist.
std::string_view element(const PickleArray& array, std::int64_t i) {
  if (i < 0 || i >= array.size() || array.data == nullptr) {
    throw DataError(fmt::format("element {} of a numpy array of {}", i, array.size()));
  }
  const auto size = static_cast<std::size_t>(array.dtype.size);
  return array.data->bytes().substr(static_cast<std::size_t>(i) * size, size);
}

/// The element's bytes as an unsigned number in native byte order. At most 8 bytes.
std::uint64_t bits_of(std::string_view bytes, bool is_big_endian) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t from = is_big_endian ? i : bytes.size() - 1 - i;
    bits = (bits << 8U) | static_cast<unsigned char>(bytes[from]);
  }
  return bits;
}

double real_of(std::uint64_t bits, std::int64_t size) {
  if (size == 8) return std::bit_cast<double>(bits);
  if (size == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return half_to_float(static_cast<std::uint16_t>(bits));
}

}  // namespace

std::int64_t PickleArray::size() const {
  if (data == nullptr) return 0;
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

template <typename Type>
const Type& PickleValue::payload(const char* wanted) const {
  const Type* found = std::get_if<Type>(&payload_);
  if (found == nullptr) {
    throw DataError(fmt::format("the pickle holds {} where {} is expected", describe(), wanted));
  }
  return *found;
}

std::int64_t PickleValue::integer() const {
  if (kind_ == PickleKind::kGlobal) (void)payload<std::monostate>("an integer");
  return payload<std::int64_t>("an integer");
}

double PickleValue::real() const {
  if (kind_ == PickleKind::kReal) return std::get<double>(payload_);
  if (kind_ == PickleKind::kGlobal) (void)payload<double>("a number");
  return static_cast<double>(payload<std::int64_t>("a number"));
}

std::string PickleValue::text() const {
  const std::string_view stored = bytes();
  return kind_ == PickleKind::kText ? std::string(stored) : latin1_to_utf8(stored);
}

std::string_view PickleValue::bytes() const {
  if (const auto* part = std::get_if<std::string_view>(&payload_)) return *part;
  return payload<std::string>("a text");
}

const std::vector<PickleRef>& PickleValue::items() const {
  return payload<std::vector<PickleRef>>("a collection");
}

const PickleArray& PickleValue::array() const {
  return *payload<std::unique_ptr<PickleArray>>("a numpy array");
}

std::string_view PickleValue::global_name() const {
  if (kind_ == PickleKind::kOpaque) return items()[0]->bytes();
  if (kind_ != PickleKind::kGlobal) (void)payload<std::monostate>("a name");
  const auto index = static_cast<std::size_t>(std::get<std::int64_t>(payload_));
  return pickle_globals()[index].name;
}

std::string PickleValue::describe() const {
  if (const auto* items = std::get_if<std::vector<PickleRef>>(&payload_)) {
    const std::size_t count = kind_ == PickleKind::kDict ? items->size() / 2 : items->size();
    return fmt::format("{} of {}", kind_name(kind_), count);
  }
  if (kind_ == PickleKind::kInteger) return fmt::format("the integer {}", integer());
  if (kind_ == PickleKind::kText) return fmt::format("the text '{}'", bytes().substr(0, 60));
  return kind_name(kind_);
}

double array_real(const PickleArray& array, std::int64_t i) {
  const std::int64_t size = array.dtype.size;
  switch (array.dtype.type) {
    case 'f':
      return real_of(bits_of(element(array, i), array.dtype.is_big_endian), size);
    case 'b':
    case 'i':
      return static_cast<double>(array_integer(array, i));
    case 'u':
      // Not by array_integer, which cannot hold 64 unsigned bits.
      return static_cast<double>(bits_of(element(array, i), array.dtype.is_big_endian));
    case 'O':
      if (array.data != nullptr && i >= 0 && i < array.size()) {
        return array.data->items()[static_cast<std::size_t>(i)]->real();
      }
      break;
    default:
      break;
  }
  throw DataError(fmt::format("element {} of the numpy array is not a number", i));
}

std::int64_t array_integer(const PickleArray& array, std::int64_t i) {
  const char type = array.dtype.type;
  if (type != 'i' && type != 'u' && type != 'b') {
    throw DataError(fmt::format("element {} of the numpy array is not an integer", i));
  }
  const auto bits = bits_of(element(array, i), array.dtype.is_big_endian);
  if (type != 'i') return static_cast<std::int64_t>(bits);
  const auto unused = static_cast<unsigned>(64 - 8 * array.dtype.size);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

std::string array_text(const PickleArray& array, std::int64_t i) {
  if (array.dtype.type == 'O' && array.data != nullptr && i >= 0 && i < array.size()) {
    return array.data->items()[static_cast<std::size_t>(i)]->text();
  }
  if (array.dtype.type != 'U' && array.dtype.type != 'S') {
    throw DataError(fmt::format("element {} of the numpy array is not a text", i));
  }
  const std::string_view bytes = element(array, i);
  if (array.dtype.type == 'S') return latin1_to_utf8(bytes.substr(0, bytes.find('\0')));
  std::string text;
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    const auto code = bits_of(bytes.substr(at, 4), array.dtype.is_big_endian);
    if (code == 0) break;
    append_utf8(text, static_cast<std::uint32_t>(code));
  }
  return text;
}

Pickle parse_pickle(std::span<const std::byte> bytes, std::string_view name) {
  return PickleMachine(bytes, name).run();
}

Pickle parse_opaque_pickle(std::span<const std::byte> bytes, std::string_view name,
                           std::size_t& used) {
  return PickleMachine(bytes, name).run_front(used);
}

void read_array_reals(const PickleArray& array, std::int64_t first, std::int64_t count,
                      float* out) {
  const PickleDtype& dtype = array.dtype;
  const bool is_inside = first >= 0 && count >= 0 && count <= array.size() - first;
  const bool is_numeric = std::string_view("fiub").find(dtype.type) != std::string_view::npos;
  if (!is_inside || (!is_numeric && dtype.type != 'O')) {
    throw DataError(fmt::format("elements {} to {} of a numpy array of {} are no numbers", first,
                                first + count, array.size()));
  }
  if (count == 0) return;
  if (dtype.type == 'O') {
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = narrow_to_float(array_real(array, first + i));
    }
    return;
  }
  const auto item = static_cast<std::size_t>(dtype.size);
  const auto bytes = array.data->bytes().substr(static_cast<std::size_t>(first) * item,
                                                static_cast<std::size_t>(count) * item);
  convert_to_float({dtype.type, item, dtype.is_big_endian}, std::as_bytes(std::span(bytes)), out);
}

Pickle load_pickle(const std::filesystem::path& file) {
  std::optional<MappedFile> input;
  try {
    input.emplace(file);
  } catch (const ArtifactError& error) {
    throw DataError(error.what());  // the file is a data file, not a model
  }
  const auto bytes = input->bytes();
  const std::string foreign = foreign_contents(bytes);
  if (!foreign.empty() && !foreign.starts_with("a Python pickle")) {
    throw DataError(fmt::format("{}: it is {}", file.string(), foreign));
  }
  Pickle pickle = parse_pickle(bytes, file.string());
  pickle.input_ = std::move(input);  // moving a mapping keeps its address
  return pickle;
}

}  // namespace hardy
