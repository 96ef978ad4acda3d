// The opcodes of plain values, containers, the stack and the memo.
#include <bit>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "formats/pickle_machine.h"
#include "formats/text.h"

namespace hardy {
namespace {

/// The text inside the quotes of a protocol-0 STRING, with its escapes decoded.
std::optional<std::string> unquote(std::string_view line) {
  if (line.size() < 2 || line.front() != line.back()) return std::nullopt;
  if (line.front() != '\'' && line.front() != '"') return std::nullopt;
  line = line.substr(1, line.size() - 2);
  const auto hex = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      text += line[i];
      continue;
    }
    if (++i == line.size()) return std::nullopt;
    const std::string_view simple = "\\'\"ntr";
    const std::size_t found = simple.find(line[i]);
    if (found != std::string_view::npos) {
      text += "\\'\"\n\t\r"[found];
    } else if (line[i] == 'x' && i + 2 < line.size() && hex(line[i + 1]) >= 0 &&
               hex(line[i + 2]) >= 0) {
      text += static_cast<char>(hex(line[i + 1]) * 16 + hex(line[i + 2]));
      i += 2;
    } else {
      return std::nullopt;
    }
  }
  return text;
}

/// Undoes Python's raw-unicode-escape: Latin-1 bytes with \uXXXX and \UXXXXXXXX. A backslash that
/// an odd number of backslashes precede begins no escape. Nothing where Python finds an error.
std::optional<std::string> decode_raw_unicode(std::string_view line) {
  const auto is_character = [](std::uint32_t code) {
    return code < 0xD800 || (code > 0xDFFF && code <= 0x10FFFF);
  };
  std::string text;
  bool is_paired = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool is_open = line[i] == '\\' && !is_paired;
    is_paired = is_open;
    const char letter = is_open && i + 1 < line.size() ? line[i + 1] : '\0';
    std::uint32_t code = static_cast<unsigned char>(line[i]);
    if (letter == 'u' || letter == 'U') {
      const std::size_t digits = letter == 'u' ? 4U : 8U;
      const std::string_view hex = line.substr(i + 2, digits);
      const char* end = hex.data() + hex.size();
      const auto parsed = std::from_chars(hex.data(), end, code, 16);
      const bool is_whole = hex.size() == digits && parsed.ptr == end && parsed.ec == std::errc() &&
                            is_character(code);
      if (!is_whole) return std::nullopt;
      i += 1 + hex.size();
      is_paired = false;
    }
    append_utf8(text, code);
  }
  return text;
}

}  // namespace

bool PickleMachine::run_scalar(unsigned char opcode) {
  switch (opcode) {
    case 'N':
      push(none_);
      return true;
    case 0x88:
      push(make_bool(true));
      return true;
    case 0x89:
      push(make_bool(false));
      return true;
    case 'K':
      push(make_integer(take_number<std::uint8_t>()));
      return true;
    case 'M':
      push(make_integer(take_number<std::uint16_t>()));
      return true;
    case 'J':
      push(make_integer(take_number<std::int32_t>()));
      return true;
    case 'G': {
      auto bits = take_number<std::uint64_t>();
      bits = __builtin_bswap64(bits);  // the only big-endian field of the format
      push(make_real(std::bit_cast<double>(bits)));
      return true;
    }
    case 'F': {
      const auto value = to_real(take_line());
      if (!value) refuse("a real number cannot be read");
      push(make_real(*value));
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::run_long(unsigned char opcode) {
  if (opcode == 'I' || opcode == 'L') {
    std::string_view line = take_line();
    if (opcode == 'I' && (line == "00" || line == "01")) {
      push(make_bool(line == "01"));
      return true;
    }
    if (opcode == 'L' && line.ends_with('L')) line.remove_suffix(1);
    const auto value = to_integer(line);
    if (!value) refuse(fmt::format("'{}' is not an integer of 64 bits", line.substr(0, 40)));
    push(make_integer(*value));
    return true;
  }
  if (opcode != 0x8A && opcode != 0x8B) return false;
  const std::int64_t size =
      opcode == 0x8A ? take_number<std::uint8_t>() : take_number<std::int32_t>();
  if (size < 0 || size > 8) refuse(fmt::format("an integer of {} bytes; 8 are the most", size));
  const std::string_view bytes = take(static_cast<std::uint64_t>(size));
  std::uint64_t bits = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    bits = (bits << 8U) | static_cast<unsigned char>(bytes[i]);
  }
  const auto unused = static_cast<unsigned>(64 - 8 * size);
  push(make_integer(size == 0 ? 0 : static_cast<std::int64_t>(bits << unused) >> unused));
  return true;
}

bool PickleMachine::run_text(unsigned char opcode) {
  switch (opcode) {
    case 0x8C:
      push(take_bytes(take_number<std::uint8_t>(), true));
      return true;
    case 'X':
      push(take_bytes(take_number<std::uint32_t>(), true));
      return true;
    case 0x8D:
      push(take_bytes(take_number<std::uint64_t>(), true));
      return true;
    case 'C':
    case 'U':
      push(take_bytes(take_number<std::uint8_t>(), false));
      return true;
    case 'B':
    case 'T':
      push(take_bytes(take_number<std::uint32_t>(), false));
      return true;
    case 0x8E:
    case 0x96:
      push(take_bytes(take_number<std::uint64_t>(), false));
      return true;
    case 'V': {
      const std::string_view line = take_line();
      charge(2 * line.size());
      auto text = decode_raw_unicode(line);
      if (!text) refuse("a text holds an escape that stands for no character");
      push(make_text(std::move(*text)));
      return true;
    }
    case 'S': {
      const std::string_view line = take_line();
      charge(line.size());
      auto text = unquote(line);
      if (!text) refuse("a quoted byte string cannot be read");
      push(make_bytes(std::move(*text)));
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::run_container(unsigned char opcode) {
  const auto tuple_of = [&](std::size_t count) {
    if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < count) refuse("the stack is empty");
    replace_by_items(stack_.size() - count, PickleKind::kTuple);
  };
  switch (opcode) {
    case ')':
      push(empty_tuple_);
      return true;
    case ']':
      replace_by_items(stack_.size(), PickleKind::kList);
      return true;
    case '}':
      replace_by_items(stack_.size(), PickleKind::kDict);
      return true;
    case 0x8F:
      replace_by_items(stack_.size(), PickleKind::kSet);
      return true;
    case 'l':
      replace_by_items(take_mark(), PickleKind::kList);
      return true;
    case 'd':
      replace_by_items(take_mark(), PickleKind::kDict);
      return true;
    case 't':
      replace_by_items(take_mark(), PickleKind::kTuple);
      return true;
    case 0x91:
      replace_by_items(take_mark(), PickleKind::kSet);
      return true;
    case 0x85:
      tuple_of(1);
      return true;
    case 0x86:
      tuple_of(2);
      return true;
    case 0x87:
      tuple_of(3);
      return true;
    case 'a':
      add_items(stack_.size() - 1, PickleKind::kList);
      return true;
    case 's':
      add_items(stack_.size() - 2, PickleKind::kDict);
      return true;
    case 'e':
      add_items(take_mark(), PickleKind::kList);
      return true;
    case 'u':
      add_items(take_mark(), PickleKind::kDict);
      return true;
    case 0x90:
      add_items(take_mark(), PickleKind::kSet);
      return true;
    default:
      return false;
  }
}

void PickleMachine::replace_by_items(std::size_t first, PickleKind kind) {
  PickleValue* made = make(kind);
  made->payload_ = std::vector<PickleRef>{};
  const std::size_t count = stack_.size() - first;
  expect(kind != PickleKind::kDict || count % 2 == 0, "a dict has a key without a value");
  items_of(made).reserve(count);
  for (std::size_t i = first; i < stack_.size(); ++i) store(made, stack_[i]);
  stack_.resize(first);
  push(made);
}

void PickleMachine::add_items(std::size_t first, PickleKind kind) {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (first > stack_.size() || first < floor + 1) refuse("the stack is empty");
  PickleValue* parent = stack_[first - 1];
  if (parent->kind_ == PickleKind::kOpaque) {
    stack_.resize(first);
    return;
  }
  if (parent->kind_ != kind) refuse(fmt::format("items are added to {}", parent->describe()));
  require_unshared(parent);
  const std::size_t count = stack_.size() - first;
  expect(kind != PickleKind::kDict || count % 2 == 0, "a dict has a key without a value");
  for (std::size_t i = first; i < stack_.size(); ++i) store(parent, stack_[i]);
  stack_.resize(first);
}

bool PickleMachine::run_stack(unsigned char opcode) {
  switch (opcode) {
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '2':
      push(top());
      return true;
    case '1':
      stack_.resize(take_mark());
      return true;
    case '0':
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case 0x80: {
      const auto protocol = take_number<std::uint8_t>();
      if (protocol > 5) refuse(fmt::format("protocol {}; 5 is the newest known", protocol));
      return true;
    }
    case 0x95:
      if (take_number<std::uint64_t>() > bytes_.size() - at_) {
        refuse("a frame is longer than the rest of the file (truncated or damaged)");
      }
      return true;
    default:
      return false;
  }
}

PickleValue* PickleMachine::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("the stack is empty");
  return stack_.back();
}

PickleValue* PickleMachine::pop() {
  PickleValue* value = top();
  stack_.pop_back();
  return value;
}

std::size_t PickleMachine::take_mark() {
  if (marks_.empty()) refuse("a mark is missing");
  const std::size_t mark = marks_.back();
  marks_.pop_back();
  return mark;
}

bool PickleMachine::run_memo(unsigned char opcode) {
  const auto line_index = [&] {
    const auto index = to_integer(take_line());
    if (!index || *index < 0) refuse("a memo index cannot be read");
    return static_cast<std::uint64_t>(*index);
  };
  switch (opcode) {
    case 0x94:
      put(memo_.size() + sparse_memo_.size());
      return true;
    case 'q':
      put(take_number<std::uint8_t>());
      return true;
    case 'r':
      put(take_number<std::uint32_t>());
      return true;
    case 'p':
      put(line_index());
      return true;
    case 'h':
      get(take_number<std::uint8_t>());
      return true;
    case 'j':
      get(take_number<std::uint32_t>());
      return true;
    case 'g':
      get(line_index());
      return true;
    default:
      return false;
  }
}

void PickleMachine::put(std::uint64_t index) {
  PickleValue* value = top();
  if (index < memo_.size()) {
    memo_[static_cast<std::size_t>(index)] = value;
  } else if (index == memo_.size() && !sparse_memo_.contains(index)) {
    memo_.push_back(value);
  } else {
    sparse_memo_[index] = value;
  }
}

void PickleMachine::get(std::uint64_t index) {
  if (index < memo_.size()) return push(memo_[static_cast<std::size_t>(index)]);
  const auto found = sparse_memo_.find(index);
  if (found == sparse_memo_.end()) refuse(fmt::format("memo entry {} does not exist", index));
  push(found->second);
}

}  // namespace hardy
