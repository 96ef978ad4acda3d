#include "hardy/config.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "base/files.h"
#include "base/wording.h"
#include "config/fields.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
/// Dotted keys nest tables, and tables are destroyed recursively: bounds the depth of the stack.
constexpr std::ptrdiff_t kMaxDots = 4000;

std::vector<std::string> keys_of(const std::vector<Field>& fields) {
  std::vector<std::string> keys;
  for (const auto& field : fields) keys.push_back(field.key);
  return keys;
}

/// Candidates for the correction of an unknown name: all fields, then all tables.
std::vector<std::string> candidates_of(const std::vector<std::string>& keys) {
  std::vector<std::string> names = keys;
  for (const auto& key : keys) {
    for (auto dot = key.find('.'); dot != std::string::npos; dot = key.find('.', dot + 1)) {
      const std::string table = key.substr(0, dot);
      if (std::find(names.begin(), names.end(), table) == names.end()) names.push_back(table);
    }
  }
  return names;
}

std::string place(const std::string& file, const toml::source_position& position) {
  return fmt::format("{}:{}:{}", file, position.line, position.column);
}

[[noreturn]] void throw_unknown(const std::string& where, const std::string& key,
                                const std::vector<std::string>& keys) {
  const std::string near = nearest_name(key, candidates_of(keys));
  throw ConfigError(fmt::format(
      "{}: unknown field '{}'; {}", where, key,
      near.empty()
          ? "remove it; `hardy config` lists all fields"
          : fmt::format("did you mean '{}'? `hardy config --explain {}` tells more", near, near)));
}

[[noreturn]] void throw_problem(const std::string& where, const Field& field,
                                const std::string& value, const std::string& problem) {
  throw ConfigError(
      fmt::format("{}: {} = {} {}; allowed: {}; `hardy config --explain {}` tells more", where,
                  field.key, value, problem, field_range(field), field.key));
}

/// The value as the user wrote it, shortened for a message.
std::string shown(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_string()) return fmt::format("\"{}\"", node.as_string()->get().substr(0, 80));
  if (node.is_integer()) return fmt::format("{}", node.as_integer()->get());
  if (node.is_floating_point()) return fmt::format("{}", node.as_floating_point()->get());
  if (node.is_boolean()) return node.as_boolean()->get() ? "true" : "false";
  return node.is_array() ? "an array" : "a date";
}

/// Stores the node in the field when their types agree.
bool assign(const Field& field, const toml::node& node) {
  if (auto* const* integer = std::get_if<std::int64_t*>(&field.value)) {
    if (!node.is_integer()) return false;
    **integer = node.as_integer()->get();
    return true;
  }
  if (auto* const* number = std::get_if<double*>(&field.value)) {
    if (!node.is_number()) return false;
    **number = *node.value<double>();
    return true;
  }
  if (auto* const* text = std::get_if<std::string*>(&field.value)) {
    if (!node.is_string()) return false;
    **text = node.as_string()->get();
    return true;
  }
  if (auto* const* is_on = std::get_if<bool*>(&field.value)) {
    if (!node.is_boolean()) return false;
    **is_on = node.as_boolean()->get();
    return true;
  }
  if (const auto* word = std::get_if<WordPointer>(&field.value)) {
    return node.is_string() && word->set(node.as_string()->get());
  }
  const toml::array* array = node.as_array();
  if (array == nullptr) return false;
  std::vector<std::int64_t> values;
  for (const auto& element : *array) {
    if (!element.is_integer()) return false;
    values.push_back(element.as_integer()->get());
  }
  *std::get<std::vector<std::int64_t>*>(field.value) = std::move(values);
  return true;
}

/// Reads the tables of one file into the fields of one config.
class TableReader {
 public:
  TableReader(std::string file, Config& config)
      : file_(std::move(file)),
        config_(config),
        fields_(describe(config)),
        keys_(keys_of(fields_)) {}

  void read(const toml::table& table, const std::string& prefix) const {
    for (const auto& [name, node] : table) {
      const std::string key = current_key(prefix + std::string(name.str()));
      const auto is_in_table = [&](const std::string& known) {
        return known.starts_with(key + ".");
      };
      if (std::any_of(keys_.begin(), keys_.end(), is_in_table)) {
        if (!node.is_table()) {
          throw ConfigError(
              fmt::format("{}: {} = {} is not a table; write [{}] and the fields "
                          "below it",
                          place(file_, node.source().begin), key, shown(node), key));
        }
        read(*node.as_table(), key + ".");
      } else {
        read_field(key, node, name.source().begin);
      }
    }
  }

 private:
  void read_field(const std::string& key, const toml::node& node,
                  const toml::source_position& key_position) const {
    const auto found = std::find(keys_.begin(), keys_.end(), key);
    if (found == keys_.end()) throw_unknown(place(file_, key_position), key.substr(0, 200), keys_);
    const Field& field = fields_[static_cast<std::size_t>(found - keys_.begin())];
    const std::string where = place(file_, node.source().begin);
    if (!assign(field, node)) {
      const auto problem = node.is_string() && std::holds_alternative<Choices>(field.range)
                               ? word_problem(node.as_string()->get(), field)
                               : std::nullopt;
      throw_problem(where, field, shown(node),
                    problem.value_or(fmt::format("is not of type {}", field_type(field))));
    }
    if (const auto problem = field_problem(field)) {
      throw_problem(where, field, shown(node), *problem);
    }
    MethodSections::follow_up(key, config_);
  }

  std::string file_;
  Config& config_;
  std::vector<Field> fields_;
  std::vector<std::string> keys_;
};

/// Parses a command-line value into a field; false when it is not of the field's type.
bool assign_text(const Field& field, const std::string& text) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (auto* const* integer = std::get_if<std::int64_t*>(&field.value)) {
    const auto result = std::from_chars(begin, end, **integer);
    return result.ec == std::errc{} && result.ptr == end;
  }
  if (auto* const* number = std::get_if<double*>(&field.value)) {
    const auto result = std::from_chars(begin, end, **number);
    return result.ec == std::errc{} && result.ptr == end;
  }
  if (auto* const* word = std::get_if<std::string*>(&field.value)) {
    const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    **word = is_quoted ? text.substr(1, text.size() - 2) : text;
    return true;
  }
  if (auto* const* is_on = std::get_if<bool*>(&field.value)) {
    **is_on = text == "true";
    return text == "true" || text == "false";
  }
  if (const auto* choice = std::get_if<WordPointer>(&field.value)) {
    const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return choice->set(is_quoted ? text.substr(1, text.size() - 2) : text);
  }
  auto values = parse_integers(text);
  if (!values) return false;
  *std::get<std::vector<std::int64_t>*>(field.value) = std::move(*values);
  return true;
}

std::string toml_of(const std::vector<Field>& fields) {
  std::string text;
  std::string table;
  for (const auto& field : fields) {
    const auto dot = field.key.rfind('.');
    const std::string owner = dot == std::string::npos ? "" : field.key.substr(0, dot);
    if (owner != table) {
      text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", owner);
      table = owner;
    }
    text += fmt::format("{} = {}\n", field.key.substr(dot == std::string::npos ? 0 : dot + 1),
                        field_value(field));
  }
  return text;
}

/// The fields that the config's method reads.
std::vector<Field> read_fields(Config& config) {
  const MethodDeclaration& method = declared_method(config.protocol.method);
  std::vector<std::string> tables = {"data", "protocol", "run", method.name};
  tables.insert(tables.end(), method.sections.begin(), method.sections.end());
  std::vector<Field> chosen;
  for (auto& field : describe(config)) {
    const bool is_read = field.key.find('.') == std::string::npos ||
                         std::any_of(tables.begin(), tables.end(), [&](const std::string& table) {
                           return field.key == table || field.key.starts_with(table + ".");
                         });
    if (is_read) chosen.push_back(std::move(field));
  }
  return chosen;
}

}  // namespace

const std::vector<std::string>& corpus_formats() {
  static const std::vector<std::string> formats = {"tree", "plain", "demo", "mmsa", "conv-emotion",
                                                   "csd",  "hdf5",  "mmin", "table"};
  return formats;
}

void check_heads(const std::string& table, std::int64_t hidden, std::int64_t heads) {
  if (hidden % heads == 0) return;
  throw ConfigError(fmt::format(
      "{0}.hidden = {1} is not a multiple of {0}.heads = {2}; every head has the same width: "
      "change one of them",
      table, hidden, heads));
}

void check_some_epochs(const std::string& table, std::int64_t epochs) {
  if (epochs > 0) return;
  throw ConfigError(
      fmt::format("{}: all epochs are 0: nothing would be trained; raise one", table));
}

std::vector<FieldInfo> config_fields() {
  Config config;
  std::vector<FieldInfo> infos;
  for (const auto& field : describe(config)) {
    infos.push_back({field.key, field_type(field), field_value(field), field_range(field),
                     field.meaning, field.effect, field.is_advanced});
  }
  return infos;
}

Config parse_config(const std::string& toml_text, const std::string& file_name,
                    const Config& base) {
  if (toml_text.size() > kMaxFileBytes ||
      std::count(toml_text.begin(), toml_text.end(), '.') > kMaxDots) {
    throw ConfigError(fmt::format(
        "{}: too large for a config file ({} bytes; at most {} bytes and {} dots are read)",
        file_name, toml_text.size(), kMaxFileBytes, kMaxDots));
  }
  toml::table table;
  try {
    table = toml::parse(toml_text, file_name);
  } catch (const toml::parse_error& error) {
    throw ConfigError(fmt::format("{}: not valid TOML: {}", place(file_name, error.source().begin),
                                  error.description()));
  }
  Config config = base;
  if (const toml::node* preset = table.get("preset"); preset != nullptr && preset->is_string()) {
    try {
      config = make_preset(preset->as_string()->get());
    } catch (Error& error) {
      error.add_context(place(file_name, preset->source().begin));
      throw;
    }
  }
  TableReader(file_name, config).read(table, "");
  return config;
}

Config load_config(const std::filesystem::path& file, const Config& base) {
  std::string text;
  try {
    text = read_text_file(file, kMaxFileBytes);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    throw ConfigError(error.what(),
                      "--config wants a TOML file, e.g. the output of `hardy config`");
  }
  return parse_config(text, file.string(), base);
}

void set_config_field(Config& config, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError(fmt::format(
        "--set {}: not of the form key=value; write e.g. --set run.seeds=1,2", assignment));
  }
  const std::string key = current_key(assignment.substr(0, equals));
  const std::string value = assignment.substr(equals + 1);
  if (key == "preset") {
    throw ConfigError("--set preset: a preset replaces every field; choose it with --preset");
  }
  Config changed = config;  // a refused assignment leaves the config unchanged
  for (const auto& field : describe(changed)) {
    if (field.key != key) continue;
    if (!assign_text(field, value)) {
      const auto problem = std::holds_alternative<WordPointer>(field.value)
                               ? word_problem(value, field)
                               : std::nullopt;
      throw_problem("--set", field, value,
                    problem.value_or(fmt::format("is not of type {}", field_type(field))));
    }
    if (const auto problem = field_problem(field)) throw_problem("--set", field, value, *problem);
    MethodSections::follow_up(key, changed);
    config = changed;
    return;
  }
  throw_unknown("--set", key, keys_of(describe(changed)));
}

void validate_config(const Config& config) {
  Config copy = config;
  for (const auto& field : describe(copy)) {
    if (const auto problem = field_problem(field)) {
      throw_problem("config", field, field_value(field), *problem);
    }
  }
  copy.methods.validate();
  for (const auto& method : declared_methods()) {
    if (method.validate != nullptr) method.validate(config);
  }
}

std::string config_toml(const Config& config) {
  Config copy = config;
  return toml_of(read_fields(copy));
}

std::vector<std::pair<std::string, std::string>> config_values(const Config& config) {
  Config copy = config;
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& field : read_fields(copy)) values.emplace_back(field.key, field_value(field));
  return values;
}

std::string config_section_toml(const Config& config, const std::vector<std::string>& sections) {
  Config copy = config;
  std::vector<Field> chosen;
  std::vector<bool> is_used(sections.size(), false);
  for (const auto& field : describe(copy)) {
    bool is_chosen = false;
    for (std::size_t s = 0; s < sections.size(); ++s) {
      if (field.key != sections[s] && !field.key.starts_with(sections[s] + ".")) continue;
      is_chosen = true;
      is_used[s] = true;
    }
    if (is_chosen) chosen.push_back(field);
  }
  check(std::find(is_used.begin(), is_used.end(), false) == is_used.end(),
        "config_section_toml: unknown section");
  return toml_of(chosen);
}

}  // namespace hardy
