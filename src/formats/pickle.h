// Plain data from Python pickles (protocols 0 to 5). A small machine interprets the opcodes and can
// only build values: no name is imported, no function is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hardy/mapped_file.h"

namespace hardy {

enum class PickleKind : std::uint8_t {
  kNone,
  kBool,
  kInteger,
  kReal,
  kText,   ///< UTF-8
  kBytes,  ///< also bytearray and the byte strings of Python 2
  kList,
  kTuple,
  kDict,     ///< also OrderedDict and defaultdict; items() alternates keys and values
  kSet,      ///< also frozenset
  kArray,    ///< a numpy array
  kDtype,    ///< a numpy element type
  kGlobal,   ///< an allow-listed name, e.g. torch.FloatStorage
  kStorage,  ///< torch: items() are type, key, location, number of values
  kTensor,   ///< torch: items() are storage, offset, shape tuple, stride tuple
  kOpaque    ///< an unknown class or an object of one; items() are its name and, if set, its state
};

class PickleValue;
using PickleRef = const PickleValue*;

/// A numpy element type.
struct PickleDtype {
  char type = 'V';        ///< f i u b (bool) U (UCS-4 text) S (bytes) O (objects)
  std::int64_t size = 0;  ///< bytes of one element; 0 for O
  bool is_big_endian = false;
};

/// A numpy array. Invariant: the data hold exactly the elements that the shape needs.
struct PickleArray {
  PickleDtype dtype;
  std::vector<std::int64_t> shape;
  bool is_fortran = false;   ///< first index fastest
  PickleRef data = nullptr;  ///< bytes, or a list for objects; null = no data

  /// Number of elements.
  [[nodiscard]] std::int64_t size() const;
};

/// One value. Values form a directed graph without cycles; all live as long as their Pickle.
class PickleValue {
 public:
  [[nodiscard]] PickleKind kind() const { return kind_; }

  /// True, false and integers. Throws DataError for other kinds (so do all getters below).
  [[nodiscard]] std::int64_t integer() const;

  /// A real number or an integer.
  [[nodiscard]] double real() const;

  /// Text; bytes are decoded as Latin-1.
  [[nodiscard]] std::string text() const;

  [[nodiscard]] std::string_view bytes() const;

  /// Elements of a list, tuple, set, storage or tensor; alternating keys and values of a dict.
  [[nodiscard]] const std::vector<PickleRef>& items() const;

  [[nodiscard]] const PickleArray& array() const;

  /// The dotted name of a global, e.g. "torch.FloatStorage", or of an unknown class.
  [[nodiscard]] std::string_view global_name() const;

  /// A short description for messages: "a list of 3".
  [[nodiscard]] std::string describe() const;

 private:
  friend class PickleMachine;

  using Payload = std::variant<std::monostate, std::int64_t, double, std::string,
                               std::vector<PickleRef>, PickleDtype, std::unique_ptr<PickleArray>,
                               std::string_view>;  // the last: a view into the input

  template <typename Type>
  [[nodiscard]] const Type& payload(const char* wanted) const;

  PickleKind kind_ = PickleKind::kNone;
  mutable bool is_part_ = false;  ///< part of another value: must not change any more
  std::uint16_t depth_ = 0;       ///< nesting depth below
  std::uint64_t weight_ = 1;  ///< values and bytes of the whole tree below, shared ones repeated
  Payload payload_;
};

/// Element `i` (in storage order) of a numeric array, or of a text array. Throws DataError when the
/// array is of another type or `i` is out of range.
double array_real(const PickleArray& array, std::int64_t i);
std::int64_t array_integer(const PickleArray& array, std::int64_t i);
std::string array_text(const PickleArray& array, std::int64_t i);

/// Elements `first` to `first + count - 1` (in storage order) of a numeric array as float32, by the
/// rules of parse_npy. Throws DataError when the array is of another type or they are out of range.
void read_array_reals(const PickleArray& array, std::int64_t first, std::int64_t count, float* out);

/// A whole pickle; owns its values. Long byte strings (the data of arrays) are views into the
/// input.
class Pickle {
 public:
  [[nodiscard]] const PickleValue& root() const { return *root_; }

 private:
  friend class PickleMachine;
  friend Pickle load_pickle(const std::filesystem::path& file);

  std::optional<MappedFile> input_;  ///< input of load_pickle

  std::deque<PickleValue> values_;
  PickleRef root_ = nullptr;
};

/// Largest nesting depth.
inline constexpr int kMaxPickleDepth = 100;

/// Reads a pickle. `bytes` must outlive the result; `name` stands for the file in messages. Memory
/// is at most proportional to the size of the input, and so is the tree that a caller walks (shared
/// values counted each time). Throws DataError, naming the opcode's byte offset, for anything
/// truncated or malformed, for names that are not plain data (os.system ...), nesting deeper than
/// kMaxPickleDepth, values that contain themselves, and integers beyond 64 bits.
Pickle parse_pickle(std::span<const std::byte> bytes, std::string_view name);

/// Reads the pickle at the front of `bytes`, which may be followed by anything, and sets `used` to
/// its length. Classes that are not plain data, their objects and what is called of them stand as
/// kOpaque: named, never imported, never run. What is added to such an object is left out.
Pickle parse_opaque_pickle(std::span<const std::byte> bytes, std::string_view name,
                           std::size_t& used);

/// The same as parse_pickle from a file, which is mapped and not copied: reading 10 GB of arrays
/// needs no memory of its own, but a file that is truncated meanwhile ends the process. Throws
/// DataError, IoError.
Pickle load_pickle(const std::filesystem::path& file);

}  // namespace hardy
