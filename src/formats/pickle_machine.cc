#include "formats/pickle_machine.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "formats/text.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

/// Ten times what the public label files need, but linear in the input.
constexpr std::uint64_t kWeightPerByte = 64;
constexpr std::uint64_t kBudgetPerByte = 256;
constexpr std::uint64_t kFreeBytes = std::uint64_t{1} << 16;
constexpr std::size_t kMaxSmallInteger = 255;
/// Upper bound for small values; the arrays of a large file are not copied.
constexpr std::uint64_t kMaxBudget = std::uint64_t{16} << 30;
/// Byte strings of at least this length are views into the input.
constexpr std::uint64_t kLeastView = 256;

/// Whether every line ends with CRLF, which a copy in text mode makes of a pickle of protocol 0.
/// (Python escapes line ends inside text, so none of them is data.)
bool is_crlf_pickle(std::string_view text) {
  if (text.empty() || text.front() == '\x80') return false;
  const std::size_t first = text.find('\n');
  if (first == std::string_view::npos || first == 0 || text[first - 1] != '\r') return false;
  for (std::size_t at = first; at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (text[at - 1] != '\r') return false;
  }
  return true;
}

}  // namespace

PickleMachine::PickleMachine(std::span<const std::byte> bytes, std::string_view name)
    : bytes_(bytes),
      name_(name),
      max_weight_(kFreeBytes + kWeightPerByte * bytes.size()),
      budget_(std::min(16 * kFreeBytes + kBudgetPerByte * bytes.size(), kMaxBudget)) {
  has_crlf_ = is_crlf_pickle({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  none_ = make(PickleKind::kNone);
  empty_tuple_ = make(PickleKind::kTuple);
  empty_tuple_->payload_ = std::vector<PickleRef>{};
  empty_tuple_->is_part_ = true;
  for (const bool value : {false, true}) {
    bools_[value ? 1 : 0] = make(PickleKind::kBool);
    bools_[value ? 1 : 0]->payload_ = std::int64_t{value};
  }
  for (std::size_t i = 0; i <= kMaxSmallInteger; ++i) {
    small_integers_.push_back(make(PickleKind::kInteger));
    small_integers_.back()->payload_ = static_cast<std::int64_t>(i);
  }
}

Pickle PickleMachine::run() {
  run_to_end();
  if (at_ != bytes_.size()) {
    refuse(fmt::format("{} bytes follow its end", bytes_.size() - at_));
  }
  return std::move(pickle_);
}

Pickle PickleMachine::run_front(std::size_t& used) {
  keeps_opaque_ = true;
  run_to_end();
  used = at_;
  return std::move(pickle_);
}

void PickleMachine::run_to_end() {
  while (true) {
    opcode_ = at_;
    const auto opcode = static_cast<unsigned char>(take(1).front());
    if (opcode == '.') break;
    if (run_scalar(opcode) || run_long(opcode) || run_text(opcode) || run_container(opcode) ||
        run_stack(opcode) || run_memo(opcode) || run_object(opcode)) {
      continue;
    }
    refuse(fmt::format("opcode 0x{:02x} is unknown or does more than build plain data", opcode));
  }
  if (!marks_.empty() || stack_.size() != 1) {
    refuse(fmt::format("it ends with {} values instead of one", stack_.size()));
  }
  pickle_.root_ = stack_.back();
}

void PickleMachine::refuse(const std::string& what) const {
  throw DataError(fmt::format("{}: pickle, byte {}: {}", name_, opcode_, what));
}

void PickleMachine::expect(bool ok, const char* what) const {
  if (!ok) refuse(what);
}

std::string_view PickleMachine::take(std::uint64_t size) {
  if (size > bytes_.size() - at_) {
    refuse(fmt::format("it needs {} more bytes where {} are left (truncated or damaged)", size,
                       bytes_.size() - at_));
  }
  const auto part = bytes_.subspan(at_, static_cast<std::size_t>(size));
  at_ += part.size();
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

std::string_view PickleMachine::take_line() {
  const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_,
                              bytes_.size() - at_);
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) refuse("a line does not end (truncated)");
  at_ += end + 1;
  return rest.substr(0, has_crlf_ && end > 0 ? end - 1 : end);
}

PickleValue* PickleMachine::take_bytes(std::uint64_t size, bool is_text) {
  const std::string_view part = take(size);
  if (is_text && !is_utf8(part)) refuse("a text is not UTF-8");
  PickleValue* made = make(is_text ? PickleKind::kText : PickleKind::kBytes);
  made->weight_ += size;
  if (size >= kLeastView) {
    made->payload_ = part;
  } else {
    charge(size);
    made->payload_ = std::string(part);
  }
  return made;
}

void PickleMachine::charge(std::uint64_t size) {
  if (size > budget_) refuse("it expands to far more than its own size (a memory bomb)");
  budget_ -= size;
}

PickleValue* PickleMachine::make(PickleKind kind) {
  charge(sizeof(PickleValue));
  PickleValue& value = pickle_.values_.emplace_back();
  value.kind_ = kind;
  return &value;
}

PickleValue* PickleMachine::make_integer(std::int64_t value) {
  if (value >= 0 && static_cast<std::size_t>(value) < small_integers_.size()) {
    return small_integers_[static_cast<std::size_t>(value)];
  }
  PickleValue* made = make(PickleKind::kInteger);
  made->payload_ = value;
  return made;
}

PickleValue* PickleMachine::make_bool(bool value) { return bools_[value ? 1 : 0]; }

PickleValue* PickleMachine::make_real(double value) {
  PickleValue* made = make(PickleKind::kReal);
  made->payload_ = value;
  return made;
}

PickleValue* PickleMachine::make_text(std::string text) {
  if (!is_utf8(text)) refuse("a text is not UTF-8");
  PickleValue* made = make_bytes(std::move(text));
  made->kind_ = PickleKind::kText;
  return made;
}

PickleValue* PickleMachine::make_bytes(std::string bytes) {
  PickleValue* made = make(PickleKind::kBytes);
  made->weight_ += bytes.size();
  made->payload_ = std::move(bytes);
  return made;
}

std::vector<PickleRef>& PickleMachine::items_of(PickleValue* value) {
  return std::get<std::vector<PickleRef>>(value->payload_);
}

void PickleMachine::add_weight(PickleValue* value, std::uint64_t weight) const {
  value->weight_ += weight;  // both at most max_weight_: no overflow
  if (value->weight_ > max_weight_) {
    refuse("shared values expand to far more than the file's own size (a memo bomb)");
  }
}

void PickleMachine::require_unshared(const PickleValue* value) const {
  if (value->is_part_) {
    refuse("it changes a value that is already part of another one (a self reference?)");
  }
}

void PickleMachine::store(PickleValue* parent, PickleRef child) const {
  if (parent == child) refuse("a value contains itself");
  child->is_part_ = true;
  if (child->depth_ + 1 > parent->depth_) {
    if (child->depth_ + 1 > kMaxPickleDepth) {
      refuse(fmt::format("it is nested deeper than {} levels", kMaxPickleDepth));
    }
    parent->depth_ = static_cast<std::uint16_t>(child->depth_ + 1);
  }
  add_weight(parent, child->weight_);
  items_of(parent).push_back(child);
}

}  // namespace hardy
