#include "cli/manual_command.h"

#include <functional>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "base/wording.h"
#include "cli/output.h"
#include "hardy/errors.h"
#include "hardy/version.h"

namespace hardy {
namespace {

using Visit = std::function<void(const CLI::App& command, const std::string& path)>;

/// The commands below one that are meant for people: a helper of another command has no group.
std::vector<const CLI::App*> shown_commands(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

/// Calls `visit` for a command and all below it; `path` is "run", "data check", or "" for the
/// program.
void for_each_command(const CLI::App& command, const std::string& path, const Visit& visit) {
  visit(command, path);
  for (const CLI::App* sub : shown_commands(command)) {
    for_each_command(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), visit);
  }
}

/// "--seeds", "-h": options of a command.
std::vector<std::string> option_words(const CLI::App& command) {
  std::vector<std::string> words;
  for (const CLI::Option* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) words.push_back("--" + name);
    for (const auto& name : option->get_snames()) words.push_back("-" + name);
  }
  return words;
}

std::vector<std::string> command_words(const CLI::App& command) {
  std::vector<std::string> words;
  for (const CLI::App* sub : shown_commands(command)) words.push_back(sub->get_name());
  return words;
}

std::string bash_completion(const CLI::App& app) {
  std::string cases;
  for_each_command(app, "", [&](const CLI::App& command, const std::string& path) {
    auto words = command_words(command);
    const auto options = option_words(command);
    words.insert(words.end(), options.begin(), options.end());
    cases += fmt::format("    '{}') words='{}' ;;\n", path, fmt::join(words, " "));
  });
  std::string paths;
  for_each_command(app, "", [&](const CLI::App&, const std::string& path) {
    if (!path.empty()) paths += fmt::format("|'{}'", path);
  });
  return fmt::format(
      "# bash completion of hardy; `hardy completion bash` wrote it\n"
      "_hardy() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} path= word words= next\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    next=${{path:+$path }}$word\n"
      "    case \"$next\" in {}) path=$next ;; esac\n"
      "  done\n"
      "  case \"$path\" in\n{}  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "}}\n"
      "complete -o default -F _hardy hardy\n",
      paths.substr(1), cases);
}

std::string zsh_completion(const CLI::App& app) {
  return "#compdef hardy\nautoload -U +X bashcompinit && bashcompinit\n" + bash_completion(app);
}

/// A text between single quotes of fish.
std::string fish_text(const std::string& text) {
  std::string quoted = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') quoted += '\\';
    quoted += letter == '\n' ? ' ' : letter;
  }
  return quoted + "'";
}

std::string fish_completion(const CLI::App& app) {
  std::string text = "# fish completion of hardy; `hardy completion fish` wrote it\n";
  for_each_command(app, "", [&](const CLI::App& command, const std::string& path) {
    std::string condition = "__fish_use_subcommand";
    if (!path.empty()) {
      condition.clear();
      for (std::size_t first = 0; first < path.size();) {
        const auto end = std::min(path.find(' ', first), path.size());
        condition += fmt::format("{}__fish_seen_subcommand_from {}", first == 0 ? "" : "; and ",
                                 path.substr(first, end - first));
        first = end + 1;
      }
    }
    for (const CLI::App* sub : shown_commands(command)) {
      text += fmt::format("complete -c hardy -n '{}' -f -a {} -d {}\n", condition, sub->get_name(),
                          fish_text(sub->get_description()));
    }
    for (const CLI::Option* option : command.get_options()) {
      for (const auto& name : option->get_lnames()) {
        text += fmt::format("complete -c hardy -n '{}' -l {} -d {}\n", condition, name,
                            fish_text(option->get_description()));
      }
    }
  });
  return text;
}

/// Text with troff's special characters escaped: no line is a command, no backslash or hyphen is
/// special.
std::string troff(const std::string& text) {
  std::string escaped;
  bool at_start = true;
  for (const char letter : text) {
    if (at_start && (letter == '.' || letter == '\'')) escaped += "\\&";
    if (letter == '\\') {
      escaped += "\\e";
    } else if (letter == '-') {
      escaped += "\\-";
    } else {
      escaped += letter;
    }
    at_start = letter == '\n';
  }
  return escaped;
}

std::string option_title(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) names.push_back("--" + name);
  if (names.empty()) names.push_back(option.get_name(true));
  const std::string type = option.get_expected_max() > 0 ? option.get_type_name() : "";
  return fmt::format("{}{}{}", fmt::join(names, ", "), type.empty() ? "" : " ", type);
}

void add_options(const CLI::App& command, std::string& text) {
  for (const CLI::Option* option : command.get_options()) {
    text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", troff(option_title(*option)),
                        troff(option->get_description()));
  }
}

const CLI::App& find_command(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  for (const auto& word : words) {
    const CLI::App* found = nullptr;
    for (const CLI::App* sub : shown_commands(*command)) {
      if (sub->get_name() == word) found = sub;
    }
    if (found == nullptr) {
      const auto near = nearest_name(word, command_words(*command));
      throw ConfigError(fmt::format("help: unknown command '{}'; {}", word,
                                    near.empty() ? "`hardy --help` lists the commands"
                                                 : fmt::format("did you mean '{}'?", near)));
    }
    command = found;
  }
  return *command;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash_completion(app);
  if (shell == "zsh") return zsh_completion(app);
  if (shell == "fish") return fish_completion(app);
  throw ConfigError(fmt::format("completion {}: known shells are bash, zsh and fish", shell));
}

std::string manual_page(const CLI::App& app) {
  std::string text = fmt::format(
      ".TH HARDY 1 \"\" \"hardy {}\" \"User Commands\"\n.SH NAME\nhardy \\- emotion and sentiment "
      "recognition that keeps working when modalities are missing\n.SH SYNOPSIS\n.B hardy\n"
      "COMMAND [OPTIONS]\n.SH DESCRIPTION\n{}\n",
      program_version(), troff(app.get_description()));
  add_options(app, text);
  text += ".SH COMMANDS\n";
  for_each_command(app, "", [&](const CLI::App& command, const std::string& path) {
    if (path.empty()) return;
    text += fmt::format(".SS hardy {}\n{}\n", troff(path), troff(command.get_description()));
    add_options(command, text);
    if (!command.get_footer().empty()) {
      text += fmt::format(".PP\n.nf\n{}\n.fi\n", troff(command.get_footer()));
    }
  });
  return text + fmt::format(".SH EXIT STATUS\n{}\n", troff(app.get_footer()));
}

void add_manual_commands(CLI::App& app) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* help = app.add_subcommand("help", "Show the help of a command");
  help->add_option("COMMAND", *words, "e.g. run, or data check");
  help->callback([&app, words] {
    const CLI::App& command = find_command(app, *words);
    // App::help of the program itself would print the help of the running command.
    const auto name =
        fmt::format("{}{}{}", app.get_name(), words->empty() ? "" : " ", fmt::join(*words, " "));
    print(command.get_formatter()->make_help(&command, name, CLI::AppFormatMode::Normal));
  });

  auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand("completion", "Print a shell's completion script");
  completion->add_option("SHELL", *shell, "bash, zsh or fish")->required();
  completion->callback([&app, shell] { print(completion_script(app, *shell)); });
  completion->footer(
      "Examples:\n"
      "  source <(hardy completion bash)                           for this shell\n"
      "  hardy completion zsh > ~/.zfunc/_hardy                    for all\n"
      "  hardy completion fish > ~/.config/fish/completions/hardy.fish\n");

  CLI::App* manual = app.add_subcommand("manual", "Print the manual page (troff)");
  manual->callback([&app] { print(manual_page(app)); });
}

}  // namespace hardy
