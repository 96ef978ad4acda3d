// The registry of config fields: key, range, meaning and effect of each, written once. Read by
// hardy/config and by methods that describe settings of their own; everything else goes through
// config.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hardy/config.h"

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

/// On or off.
struct Switch {};

using FieldRange = std::variant<IntegerRange, NumberRange, Choices, FreeText, Switch>;
using FieldPointer =
    std::variant<std::int64_t*, double*, std::string*, bool*, std::vector<std::int64_t>*>;

/// One field of one Config object; `value` points into it and lives as long as it does.
struct Field {
  std::string key;
  FieldPointer value;
  FieldRange range;
  std::string meaning;
  std::string effect;
};

/// Largest values that settings of this kind may have.
inline constexpr std::int64_t kMaxEpochs = 100'000;
inline constexpr std::int64_t kMaxWidth = 16'384;

/// Collects the fields of one table of the TOML file.
class FieldTable {
 public:
  /// `prefix` is the table's name with a dot at its end, or empty for the top level.
  FieldTable(std::vector<Field>& fields, std::string prefix)
      : fields_(fields), prefix_(std::move(prefix)) {}

  struct Text {
    std::string meaning;
    std::string effect;
  };

  void add(const char* name, FieldPointer value, FieldRange range, Text text) {
    fields_.push_back(
        {prefix_ + name, value, std::move(range), std::move(text.meaning), std::move(text.effect)});
  }

  /// A table inside this one.
  [[nodiscard]] FieldTable inner(const std::string& name) const {
    return {fields_, prefix_ + name + "."};
  }

 private:
  std::vector<Field>& fields_;
  std::string prefix_;
};

/// The fields of a group of settings that several tables have.
void describe_encoder(FieldTable table, EncoderConfig& encoder);
void describe_optimiser(FieldTable table, OptimiserConfig& optimiser);

/// Checks that several tables need. Throw ConfigError naming the table.
void check_heads(const std::string& table, std::int64_t hidden, std::int64_t heads);
void check_some_epochs(const std::string& table, std::int64_t epochs);

/// The switches of the published defects (defects.cc).
void describe_published(FieldTable table, PublishedConfig& published);

/// Every field of `config`, in the order of the TOML file: the top level, then table by table.
std::vector<Field> describe(Config& config);

/// "integer" | "number" | "text" | "boolean" | "integers".
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
