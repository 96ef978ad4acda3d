// The registry of config fields: key, range, meaning and effect of each, declared once. Used by
// hardy/config.h and by methods that declare settings; other code uses config.h.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "hardy/config.h"
#include "hardy/errors.h"

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

/// Points at a setting that is an enum and accesses it by its words (kWords).
class WordPointer {
 public:
  template <typename Enum>
  explicit WordPointer(Enum* value)
      : value_(value),
        words_(kWords<Enum>),
        get_(
            [](const void* at) { return static_cast<std::size_t>(*static_cast<const Enum*>(at)); }),
        set_([](void* at, std::size_t index) {
          *static_cast<Enum*>(at) = static_cast<Enum>(index);
        }) {}

  /// The setting itself.
  [[nodiscard]] const void* address() const { return value_; }

  [[nodiscard]] std::string_view word() const { return words_[get_(value_)]; }

  /// False, and the setting unchanged, when no value has the word.
  bool set(std::string_view word) const {
    const auto found = std::find(words_.begin(), words_.end(), word);
    if (found == words_.end()) return false;
    set_(value_, static_cast<std::size_t>(found - words_.begin()));
    return true;
  }

 private:
  void* value_;
  std::span<const std::string_view> words_;
  std::size_t (*get_)(const void* at);
  void (*set_)(void* at, std::size_t index);
};

using FieldRange = std::variant<IntegerRange, NumberRange, Choices, FreeText, Switch>;
using FieldPointer = std::variant<std::int64_t*, double*, std::string*, bool*,
                                  std::vector<std::int64_t>*, WordPointer>;

/// One field of a Config object; `value` points into it.
struct Field {
  std::string key;
  FieldPointer value;
  FieldRange range;
  std::string meaning;
  std::string effect;
  bool is_advanced = true;  ///< false = among the settings to know first
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

  /// A setting that is one of a few words.
  template <typename Enum, typename = std::enable_if_t<std::is_enum_v<Enum>>>
  void add(const char* name, Enum* value, Text text) {
    Choices choices;
    for (const auto word : kWords<Enum>) choices.words.emplace_back(word);
    add(name, WordPointer(value), std::move(choices), std::move(text));
  }

  /// Marks settings of this table, or of tables inside it ("optimiser.batch"), as those to know
  /// first. Requires: they were added before.
  void mark_basic(std::initializer_list<const char*> names) {
    for (const char* name : names) {
      const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) {
        return field.key == prefix_ + name;
      });
      check(found != fields_.end(), "a basic setting is not there");
      found->is_advanced = false;
    }
  }

  /// A table inside this one.
  [[nodiscard]] FieldTable inner(const std::string& name) const {
    return {fields_, prefix_ + name + "."};
  }

 private:
  std::vector<Field>& fields_;
  std::string prefix_;
};

/// The fields of settings groups that several tables have.
void describe_encoder(FieldTable table, EncoderConfig& encoder);
void describe_optimiser(FieldTable table, OptimiserConfig& optimiser);

/// Checks shared by several tables. Throw ConfigError naming the table.
void check_heads(const std::string& table, std::int64_t hidden, std::int64_t heads);
void check_some_epochs(const std::string& table, std::int64_t epochs);

/// Why a text is not "name=value,name=value" with unique non-empty names; nothing when it is.
std::optional<std::string> assignments_problem(std::string_view text);

/// The current name of a key whose table was renamed since an earlier version.
std::string current_key(const std::string& key);

/// Every field of `config`, in the order of the TOML file: the top level, then table by table.
std::vector<Field> describe(Config& config);

/// "integer" | "number" | "text" | "boolean" | "integers".
std::string field_type(const Field& field);

/// "0..1", "auto | l2 | cosine", ...
std::string field_range(const Field& field);

/// The field's value as TOML.
std::string field_value(const Field& field);

/// Why the field's current value is not allowed ("is below 1"); nothing when it is.
std::optional<std::string> field_problem(const Field& field);

/// Why a word is none of the field's choices. Requires: the field's range is Choices.
std::optional<std::string> word_problem(const std::string& word, const Field& field);

/// Parses lists of numbers such as "1,2,3", "1-5", "[1, 4-6]". Nothing for other texts, or for more
/// than kMaxListedIntegers numbers.
std::optional<std::vector<std::int64_t>> parse_integers(std::string_view text);
inline constexpr std::int64_t kMaxListedIntegers = 1000;

}  // namespace hardy
