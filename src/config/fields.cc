#include "config/fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/utf8.h"
#include "base/wording.h"
#include "config/toml_text.h"

namespace hardy {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;  // clang 14 does not deduce aggregates

std::string number_text(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string bounds_text(const NumberRange& range) {
  return fmt::format("{}{}..{}{}", range.low_open ? "above " : "", range.low,
                     range.high_open ? "below " : "", range.high);
}

std::optional<std::string> integer_problem(std::int64_t value, const IntegerRange& range) {
  if (value < range.low) return fmt::format("is below {}", range.low);
  if (value > range.high) return fmt::format("is above {}", range.high);
  return std::nullopt;
}

std::optional<std::string> list_problem(const std::vector<std::int64_t>& values,
                                        const IntegerRange& range) {
  if (values.empty()) return "is empty";
  if (static_cast<std::int64_t>(values.size()) > kMaxListedIntegers) {
    return fmt::format("has more than {} numbers", kMaxListedIntegers);
  }
  auto sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const auto twin = std::adjacent_find(sorted.begin(), sorted.end());
  if (twin != sorted.end()) return fmt::format("names {} twice", *twin);
  for (const auto value : values) {
    if (const auto problem = integer_problem(value, range)) {
      return fmt::format("holds {}, which {}", value, *problem);
    }
  }
  return std::nullopt;
}

std::optional<std::string> number_problem(double value, const NumberRange& range) {
  if (!std::isfinite(value)) return "is not a finite number";
  if (value < range.low || (range.low_open && value <= range.low)) {
    return fmt::format("is not {} {}", range.low_open ? "above" : "at least", range.low);
  }
  if (value > range.high || (range.high_open && value >= range.high)) {
    return fmt::format("is not {} {}", range.high_open ? "below" : "at most", range.high);
  }
  return std::nullopt;
}

std::optional<std::string> text_problem(const std::string& value, const FieldRange& range) {
  if (const auto* choices = std::get_if<Choices>(&range)) {
    const auto& words = choices->words;
    if (std::find(words.begin(), words.end(), value) != words.end()) return std::nullopt;
    const std::string near = nearest_name(value, words);
    return near.empty() ? "is not one of them"
                        : fmt::format("is unknown (did you mean '{}'?)", near);
  }
  // Either would make the config's TOML unreadable, and neither belongs in a name.
  for (const char letter : value) {
    if (static_cast<unsigned char>(letter) < 0x20) return "holds a control character";
  }
  if (utf8_error(value) != value.npos) return "is not valid UTF-8";
  const auto& free_text = std::get<FreeText>(range);
  return free_text.problem == nullptr ? std::nullopt : free_text.problem(value);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string field_type(const Field& field) {
  return std::visit(
      Overloaded{[](std::int64_t*) { return "integer"; }, [](double*) { return "number"; },
                 [](std::string*) { return "text"; }, [](bool*) { return "boolean"; },
                 [](std::vector<std::int64_t>*) { return "integers"; },
                 [](const WordPointer&) { return "text"; }},
      field.value);
}

std::string field_range(const Field& field) {
  return std::visit(
      Overloaded{
          [](const IntegerRange& range) { return fmt::format("{}..{}", range.low, range.high); },
          [](const NumberRange& range) { return bounds_text(range); },
          [](const Choices& choices) { return fmt::format("{}", fmt::join(choices.words, " | ")); },
          [](const FreeText& text) { return text.form; },
          [](const Switch&) { return std::string("true | false"); }},
      field.range);
}

std::string field_value(const Field& field) {
  return std::visit(
      Overloaded{[](const std::int64_t* value) { return fmt::format("{}", *value); },
                 [](const double* value) { return number_text(*value); },
                 [](const std::string* value) { return toml_text(*value); },
                 [](const bool* value) { return std::string(*value ? "true" : "false"); },
                 [](const std::vector<std::int64_t>* value) {
                   return fmt::format("[{}]", fmt::join(*value, ", "));
                 },
                 [](const WordPointer& value) { return toml_text(std::string(value.word())); }},
      field.value);
}

std::optional<std::string> field_problem(const Field& field) {
  return std::visit(
      Overloaded{[&](const std::int64_t* value) {
                   return integer_problem(*value, std::get<IntegerRange>(field.range));
                 },
                 [&](const double* value) {
                   return number_problem(*value, std::get<NumberRange>(field.range));
                 },
                 [&](const std::string* value) { return text_problem(*value, field.range); },
                 [](const bool*) -> std::optional<std::string> { return std::nullopt; },
                 [&](const std::vector<std::int64_t>* value) {
                   return list_problem(*value, std::get<IntegerRange>(field.range));
                 },
                 [](const WordPointer&) -> std::optional<std::string> { return std::nullopt; }},
      field.value);
}

std::optional<std::string> word_problem(const std::string& word, const Field& field) {
  return text_problem(word, field.range);
}

std::string current_key(const std::string& key) {
  for (const auto& method : declared_methods()) {
    for (const auto& [before, now] : method.renamed) {
      if (key == before) return now;
      if (key.starts_with(before + ".")) return now + key.substr(before.size());
    }
  }
  return key;
}

std::optional<std::vector<std::int64_t>> parse_integers(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  std::vector<std::int64_t> values;
  while (true) {
    const auto comma = text.find(',');
    auto item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    const auto dash = item.find('-', 1);  // a dash in front is a sign
    const auto first = parse_integer(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_integer(item.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    // Unsigned, because the distance of two int64 may not fit into int64.
    const std::uint64_t steps =
        static_cast<std::uint64_t>(*last) - static_cast<std::uint64_t>(*first);
    if (steps >= static_cast<std::uint64_t>(kMaxListedIntegers)) return std::nullopt;
    for (std::int64_t step = 0; step <= static_cast<std::int64_t>(steps); ++step) {
      values.push_back(*first + step);
    }
    if (static_cast<std::int64_t>(values.size()) > kMaxListedIntegers) return std::nullopt;
    if (comma == std::string_view::npos) return values;
    text = text.substr(comma + 1);
  }
}

}  // namespace hardy
