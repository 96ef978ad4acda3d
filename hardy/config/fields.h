// The registry of config fields: key, range, meaning and effect of each, written once. Internal to
// hardy/config; everything else goes through config.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hardy/config/config.h"

namespace hardy {

/// Whole numbers in [low, high].
struct IntegerRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// Finite numbers in [low, high], or (low, high] / [low, high) where a bound is open.
struct NumberRange {
  double low = 0;
  double high = 0;
  bool low_open = false;
  bool high_open = false;
};

/// One of a few words.
struct Choices {
  std::vector<std::string> words;
};

/// Any text; `form` describes it. With `problem` set, a text for which it returns a message is
/// refused.
struct FreeText {
  std::string form;
  std::optional<std::string> (*problem)(std::string_view text) = nullptr;
};

using FieldRange = std::variant<IntegerRange, NumberRange, Choices, FreeText>;
using FieldPointer = std::variant<std::int64_t*, double*, std::string*, std::vector<std::int64_t>*>;

/// One field of one Config object; `value` points into it and lives as long as it does.
struct Field {
  std::string key;
  FieldPointer value;
  FieldRange range;
  std::string meaning;
  std::string effect;
};

/// Every field of `config`, in the order of the TOML file: the top level, then table by table.
std::vector<Field> describe(Config& config);

/// "integer" | "number" | "text" | "integers".
std::string field_type(const Field& field);

/// "0..1", "auto | l2 | cosine", ...
std::string field_range(const Field& field);

/// The field's value as TOML.
std::string field_value(const Field& field);

/// Why the field's present value is not allowed ("is below 1"); nothing when it is.
std::optional<std::string> field_problem(const Field& field);

/// Numbers of a list as people write it: "1,2,3", "1-5", "[1, 4-6]". Nothing when it is no such
/// list or names more than kMaxListedIntegers numbers.
std::optional<std::vector<std::int64_t>> parse_integers(std::string_view text);
inline constexpr std::int64_t kMaxListedIntegers = 1000;

}  // namespace hardy
