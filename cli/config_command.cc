#include "cli/config_command.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "base/wording.h"
#include "cli/config_options.h"
#include "cli/output.h"
#include "config/fields.h"
#include "hardy/config.h"
#include "hardy/errors.h"
#include "hardy/recogniser.h"
#include "pipeline/run_folder.h"

namespace hardy {
namespace {

struct ConfigCommand {
  ConfigOptions options;
  std::string explain;
  std::string key;     ///< KEY: its value alone
  std::string search;  ///< words of a key, a meaning or an effect
  std::string diff;    ///< a run folder, a model or a TOML file; empty = the defaults
  bool is_markdown = false;
  bool only_basic = false;
  bool lists_methods = false;
};

std::string explanation(const FieldInfo& info) {
  return fmt::format("{}{}\n  {}\n  Effect: {}\n  Type: {}; allowed: {}; default: {}\n", info.key,
                     info.is_advanced ? " (advanced)" : "", info.meaning, info.effect, info.type,
                     info.range, info.default_value);
}

/// The fields of `asked`: one field, or all of a table; empty = every field, or only the basic
/// ones.
std::string explain(const std::string& asked, bool only_basic) {
  const std::string key = current_key(asked);
  std::string text;
  std::vector<std::string> keys;
  for (const auto& info : config_fields()) {
    keys.push_back(info.key);
    if (only_basic && info.is_advanced) continue;
    if (!key.empty() && info.key != key && !info.key.starts_with(key + ".")) continue;
    text += (text.empty() ? "" : "\n") + explanation(info);
  }
  if (text.empty()) {
    const std::string near = nearest_name(key, keys);
    throw ConfigError(fmt::format("--explain {}: unknown field; {}", key,
                                  near.empty() ? "`hardy config` lists all fields"
                                               : fmt::format("did you mean '{}'?", near)));
  }
  return text;
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Every field whose key, meaning, effect or range contains the word, in any case.
std::string search(const std::string& word) {
  std::string text;
  for (const auto& info : config_fields()) {
    const auto everything = info.key + " " + info.meaning + " " + info.effect + " " + info.range;
    if (lower_case(everything).find(lower_case(word)) == std::string::npos) continue;
    text += fmt::format("{} = {}\n  {}\n", info.key, info.default_value, info.meaning);
  }
  if (text.empty()) throw ConfigError(fmt::format("--search {}: no setting speaks of it", word));
  return text;
}

/// The settings of every method, whichever is chosen: key and value as TOML.
std::vector<std::pair<std::string, std::string>> all_values(const Config& config) {
  auto values = config_values(config);
  for (const auto& method : declared_methods()) {
    Config other = config;
    other.protocol.method = method.name;
    for (auto& value : config_values(other)) {
      const bool is_known = std::ranges::any_of(
          values, [&](const auto& known) { return known.first == value.first; });
      if (!is_known) values.push_back(std::move(value));
    }
  }
  return values;
}

/// The value of one field, or all of a table, as TOML.
std::string values_of(const std::string& asked, const Config& config) {
  const std::string key = current_key(asked);
  std::string text;
  std::vector<std::string> keys;
  for (const auto& [name, value] : all_values(config)) {
    keys.push_back(name);
    if (name == key) return value + "\n";
    if (name.starts_with(key + ".")) text += fmt::format("{} = {}\n", name, value);
  }
  if (!text.empty()) return text;
  std::string near = nearest_name(key, keys);
  for (const char* option : {"explain", "search", "markdown", "methods", "basic"}) {
    if (key == option) near = std::string("--") + option;
  }
  throw ConfigError(fmt::format(
      "config {}: unknown setting; {}", key,
      near.empty() ? "`hardy config` lists all" : fmt::format("did you mean '{}'?", near)));
}

/// The settings of a run folder, a model file or a TOML file.
Config stored_config(const std::filesystem::path& source) {
  std::error_code error;
  if (std::filesystem::is_directory(source, error)) {
    Config config = RunFolder::open(source).manifest().config;
    return config;
  }
  if (source.extension() == ".toml") {
    return parse_config(read_text_file(source), source.string(), Config{});
  }
  const auto info = Recogniser::load(source).info();
  return parse_config(info.config_toml, source.string(), Config{});
}

/// The settings that differ between `config` and what is named, or the defaults.
std::string difference(const std::string& source, const Config& config) {
  const Config other = source.empty() ? Config{} : kept_config(stored_config(source));
  const Config own = source.empty() ? config : kept_config(config);
  const std::string name = source.empty() ? "the defaults" : source;
  const auto there = config_values(other);
  const auto find = [](const auto& values, const std::string& key) {
    const auto found = std::ranges::find_if(values, [&](const auto& v) { return v.first == key; });
    return found == values.end() ? std::string("not there") : found->second;
  };
  std::string text;
  for (const auto& [key, value] : config_values(own)) {
    const auto was = find(there, key);
    if (was != value) text += fmt::format("{} = {}  # {}: {}\n", key, value, name, was);
  }
  const auto here = config_values(own);
  for (const auto& [key, value] : there) {
    if (find(here, key) == "not there") {
      text += fmt::format("# {} is not there; {}: {}\n", key, name, value);
    }
  }
  return text.empty() ? fmt::format("# no setting differs from {}\n", name) : text;
}

std::string method_list() {
  std::string text;
  for (const auto& method : declared_methods()) {
    text += fmt::format("{:<19}{}: {}\n", method.name, method.title, method.summary);
  }
  return text;
}

std::string escaped_for_table(const std::string& text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '|') result += '\\';
    result += letter;
  }
  return result;
}

}  // namespace

std::string config_markdown() {
  std::string text =
      "# Settings\n\n"
      "Generated by `hardy config --markdown`; the texts are written in "
      "`src/config/describe.cc` and "
      "in the methods' folders.\n\n"
      "A setting comes from, in this order: the preset (`--preset`, or `preset` in the file), the "
      "file (`--config`), `--set key=value`, and options such as `--seeds`. `hardy config` prints "
      "the outcome as TOML.\n\nThe settings to know first; all others are advanced and seldom need "
      "a change:\n\n| key | default | meaning |\n|---|---|---|\n";
  for (const auto& info : config_fields()) {
    if (info.is_advanced) continue;
    text += fmt::format("| `{}` | `{}` | {} |\n", info.key, info.default_value,
                        escaped_for_table(info.meaning));
  }
  std::string table = "?";
  for (const auto& info : config_fields()) {
    const auto dot = info.key.rfind('.');
    const std::string owner = dot == std::string::npos ? "" : info.key.substr(0, dot);
    if (owner != table) {
      table = owner;
      text += fmt::format(
          "\n## {}\n\n| key | type | allowed | default | meaning | effect |\n"
          "|---|---|---|---|---|---|\n",
          owner.empty() ? "Top level" : "`[" + owner + "]`");
    }
    text += fmt::format("| `{}` | {} | {} | `{}` | {} | {} |\n",
                        info.key.substr(dot == std::string::npos ? 0 : dot + 1), info.type,
                        escaped_for_table(info.range), info.default_value,
                        escaped_for_table(info.meaning), escaped_for_table(info.effect));
  }
  return text;
}

void add_config_command(CLI::App& app) {
  auto state = std::make_shared<ConfigCommand>();
  CLI::App* command = app.add_subcommand("config", "Print the settings, or explain them");
  add_config_options(*command, state->options);
  command->add_option("KEY", state->key, "Print one setting's value, or those of a table");
  command->add_option("--search", state->search, "Find settings by a word")->type_name("WORD");
  command
      ->add_option("--explain", state->explain,
                   "Explain one setting, all of a table, or everything")
      ->type_name("[KEY]")
      ->expected(0, 1);
  command
      ->add_option("--diff", state->diff,
                   "Print the settings that differ from those of a run folder, a model or a TOML "
                   "file; alone, from the defaults")
      ->type_name("[RUN]")
      ->expected(0, 1);
  command->add_flag("--markdown", state->is_markdown, "Print docs/config.md");
  command->add_flag("--basic", state->only_basic,
                    "Explain the settings to know first, the others being for experts");
  command->add_flag("--methods", state->lists_methods, "List the methods that can be run");
  command->footer(
      "Examples:\n"
      "  hardy config --basic                        the twenty settings to know first\n"
      "  hardy config > settings.toml                the defaults, to be edited\n"
      "  hardy config --preset published             the published hyper-parameters\n"
      "  hardy config hardymer.retrieval.k           one value\n"
      "  hardy config --preset quick --diff          what a preset changes\n"
      "  hardy config --search neighbours            settings that speak of it\n"
      "  hardy config --explain hardymer.hardness.alpha1   meaning, range, default, effect\n");
  command->callback([command, state] {
    if (state->lists_methods) {
      print(method_list());
    } else if (state->is_markdown) {
      print(config_markdown());
    } else if (command->count("--diff") > 0) {
      print(difference(state->diff, make_config(state->options)));
    } else if (command->count("--explain") > 0) {
      print(explain(state->explain, state->only_basic));
    } else if (state->only_basic) {
      print(explain("", true));
    } else if (!state->search.empty()) {
      print(search(state->search));
    } else if (!state->key.empty()) {
      print(values_of(state->key, make_config(state->options)));
    } else {
      print(config_toml(make_config(state->options)));
    }
  });
}

}  // namespace hardy
