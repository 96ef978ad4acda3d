// The machine behind pickle.h: a stack, a memo, and bounds on work and memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/pickle.h"

namespace hardy {

/// Meaning of an allow-listed name.
enum class PickleCallable : std::uint8_t {
  kNothing,  ///< only named, never called (types given as arguments)
  kSet,
  kList,
  kTuple,
  kDict,
  kBytes,
  kNumpyDtype,
  kNumpyReconstruct,
  kNumpyScalar,
  kNumpyFromBuffer,
  kCodecsEncode,
  kTorchTensor,
  kTorchParameter,
  kDefaultDict,
};

struct PickleGlobal {
  std::string_view name;  ///< "module.name"
  PickleCallable callable;
};

/// The allow-list.
std::span<const PickleGlobal> pickle_globals();

/// Index of a name in the allow-list; names of Python 3 and numpy 1.
std::optional<std::size_t> find_pickle_global(std::string_view module, std::string_view name);

/// Advice on what to save instead of objects of a module that is not in the list.
const char* pickle_advice(std::string_view module);

/// Interprets one pickle. Opcodes are in pickle_opcodes.cc, objects (numpy, torch, containers) in
/// pickle_objects.cc. Single use.
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> bytes, std::string_view name);

  Pickle run();

  /// Reads the pickle at the front of the bytes and sets `used` to its length. What is no plain
  /// data is kept as PickleKind::kOpaque.
  Pickle run_front(std::size_t& used);

 private:
  void run_to_end();

  // Reading.
  [[noreturn]] void refuse(const std::string& what) const;
  std::string_view take(std::uint64_t size);
  std::string_view take_line();

  template <typename Number>
  Number take_number() {
    Number number;
    std::memcpy(&number, take(sizeof number).data(), sizeof number);
    return number;
  }

  PickleValue* take_bytes(std::uint64_t size, bool is_text);

  // Opcodes: each group returns false for opcodes of other groups.
  bool run_scalar(unsigned char opcode);
  bool run_long(unsigned char opcode);
  bool run_text(unsigned char opcode);
  bool run_container(unsigned char opcode);
  bool run_stack(unsigned char opcode);
  bool run_memo(unsigned char opcode);
  bool run_object(unsigned char opcode);

  // Values.
  PickleValue* make(PickleKind kind);
  PickleValue* make_integer(std::int64_t value);
  PickleValue* make_real(double value);
  PickleValue* make_bool(bool value);
  PickleValue* make_text(std::string text);
  PickleValue* make_bytes(std::string bytes);
  void store(PickleValue* parent, PickleRef child) const;
  void require_unshared(const PickleValue* value) const;
  void add_weight(PickleValue* value, std::uint64_t weight) const;
  void charge(std::uint64_t size);

  // Stack and memo.
  void push(PickleValue* value) { stack_.push_back(value); }

  PickleValue* pop();
  PickleValue* top();
  std::size_t take_mark();
  void replace_by_items(std::size_t first, PickleKind kind);
  void add_items(std::size_t first, PickleKind kind);
  static std::vector<PickleRef>& items_of(PickleValue* value);
  void put(std::uint64_t index);
  void get(std::uint64_t index);

  // Objects.
  void push_global(std::string_view module, std::string_view name);
  void push_opaque(const std::string& name);
  void reduce();
  void build();
  PickleValue* call(const PickleGlobal& global, PickleValue* arguments);
  PickleValue* call_container(PickleKind kind, const std::vector<PickleRef>& arguments);
  PickleValue* call_bytes(const std::vector<PickleRef>& arguments);
  PickleValue* call_dtype(const std::vector<PickleRef>& arguments);
  PickleValue* call_scalar(const std::vector<PickleRef>& arguments);
  PickleValue* call_from_buffer(const std::vector<PickleRef>& arguments);
  PickleValue* call_encode(const std::vector<PickleRef>& arguments);
  PickleValue* call_tensor(const std::vector<PickleRef>& arguments);
  PickleValue* make_array();
  PickleValue* make_storage(PickleValue* id);
  void build_dtype(PickleValue* value, PickleRef state);
  void build_array(PickleValue* value, PickleRef state);
  void fill_array(PickleValue* value, PickleRef shape, PickleRef dtype, PickleRef data);
  void expect(bool ok, const char* what) const;

  std::span<const std::byte> bytes_;
  std::string name_;
  std::size_t at_ = 0;         ///< next byte
  std::size_t opcode_ = 0;     ///< byte offset of the current opcode
  bool keeps_opaque_ = false;  ///< unknown classes are kept instead of refused
  bool has_crlf_ = false;      ///< every line of the text ends with CRLF
  std::uint64_t max_weight_;   ///< of the tree that a caller walks
  std::uint64_t budget_;       ///< bytes that may still be allocated
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;  ///< stack sizes
  std::vector<PickleValue*> memo_;
  std::unordered_map<std::uint64_t, PickleValue*> sparse_memo_;
  PickleValue* none_ = nullptr;
  PickleValue* empty_tuple_ = nullptr;
  PickleValue* bools_[2] = {nullptr, nullptr};
  std::vector<PickleValue*> small_integers_;
};

}  // namespace hardy
