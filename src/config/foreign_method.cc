#include "config/foreign_method.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/fields.h"
#include "hardy/method_settings.h"

namespace hardy {
namespace {

/// Settings whose meaning is not known here, only what they are set to.
struct ForeignSettings : SettingsOf<ForeignSettings> {
  using Value = std::variant<std::int64_t, double, bool, std::string>;

  std::vector<std::pair<std::string, Value>> values;

  void describe(FieldTable& table) override {
    constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
    constexpr auto kLargest = std::numeric_limits<double>::max();
    const FieldTable::Text text = {"A setting of a method of another program.",
                                   "Known to that program."};
    for (auto& [name, value] : values) {
      const char* key = name.c_str();
      if (auto* integer = std::get_if<std::int64_t>(&value)) {
        table.add(key, integer, IntegerRange{-kAll, kAll}, text);
      } else if (auto* number = std::get_if<double>(&value)) {
        table.add(key, number, NumberRange{-kLargest, kLargest}, text);
      } else if (auto* flag = std::get_if<bool>(&value)) {
        table.add(key, flag, Switch{}, text);
      } else {
        table.add(key, &std::get<std::string>(value), FreeText{"any text"}, text);
      }
    }
  }
};

/// Adds the values of a table and of the tables inside it ("optimiser.batch").
void add_values(const toml::table& table, const std::string& prefix, ForeignSettings& settings) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    if (const auto* inner = node.as_table()) {
      add_values(*inner, name + ".", settings);
    } else if (const auto* integer = node.as_integer()) {
      settings.values.emplace_back(name, integer->get());
    } else if (const auto* number = node.as_floating_point()) {
      settings.values.emplace_back(name, number->get());
    } else if (const auto* flag = node.as_boolean()) {
      settings.values.emplace_back(name, flag->get());
    } else if (const auto* text = node.as_string()) {
      settings.values.emplace_back(name, text->get());
    }
  }
}

}  // namespace

void declare_foreign_method(const std::string& name, const std::string& config_toml) {
  const auto& known = declared_methods();
  if (std::any_of(known.begin(), known.end(), [&](const auto& one) { return one.name == name; })) {
    return;
  }
  MethodDeclaration declaration{
      .name = name, .title = name, .summary = "A method of another program."};
  try {
    const toml::table all = toml::parse(config_toml);
    auto settings = std::make_shared<ForeignSettings>();
    for (const auto& [key, node] : all) {
      const std::string section(key.str());
      const auto* table = node.as_table();
      if (table == nullptr) continue;
      if (section == name) {
        add_values(*table, "", *settings);
      } else if (section != "data" && section != "protocol" && section != "run") {
        declaration.sections.push_back(section);
      }
    }
    if (!settings->values.empty()) declaration.settings = settings;
  } catch (const toml::parse_error& error) {
    throw ConfigError(fmt::format("the settings of '{}' are no TOML: {}", name,
                                  std::string(error.description())));
  }
  declare_method(std::move(declaration));
}

}  // namespace hardy
