// hardy: the command line. A table of commands; the only place where failures become exit codes.
#include <exception>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include "base/wording.h"
#include "cli/audit_command.h"
#include "cli/bundle_command.h"
#include "cli/cache_command.h"
#include "cli/check_command.h"
#include "cli/config_command.h"
#include "cli/data_command.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/explain_command.h"
#include "cli/hardness_command.h"
#include "cli/help_format.h"
#include "cli/manual_command.h"
#include "cli/media_commands.h"
#include "cli/output.h"
#include "cli/predict_command.h"
#include "cli/report_command.h"
#include "cli/serve_command.h"
#include "cli/shift_command.h"
#include "cli/stats_command.h"
#include "cli/stress_command.h"
#include "cli/study_commands.h"
#include "cli/submit_command.h"
#include "cli/synth_command.h"
#include "cli/training_commands.h"
#include "cli/version_text.h"
#include "hardy/errors.h"
#include "hardy/version.h"

namespace hardy {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 success, 1 an audit found something, 2 option or setting, 3 data, 4 model or "
    "run\n"
    "folder, 5 divergence, 6 the system refused, 70 our own bug, 130 interrupted. See "
    "docs/errors.md.\n";

/// `finding` receives the finding of an audit.
void add_commands(CLI::App& app, const std::vector<std::string>& command_line,
                  std::string& finding) {
  app.formatter(std::make_shared<HelpFormat>());
  app.set_version_flag("--version", version_text, "Version, libraries and instruction sets");
  app.set_help_flag("-h,--help", "Show this help");
  app.require_subcommand(1);
  add_training_commands(app, command_line);
  add_study_commands(app, command_line);
  add_submit_command(app);
  add_status_command(app);
  add_hardness_command(app, command_line);
  add_audit_command(app, command_line, finding);
  add_extract_command(app, command_line);
  add_answer_recordings_command(app);
  add_predict_command(app, command_line);
  add_explain_command(app, command_line);
  add_serve_command(app);
  add_bundle_command(app);
  add_stats_command(app);
  add_stress_command(app);
  add_report_command(app, command_line);
  add_check_command(app);
  add_data_command(app);
  add_synth_command(*app.get_subcommand("data"));
  add_shift_command(*app.get_subcommand("data"));
  add_config_command(app);
  add_cache_command(app);
  add_manual_commands(app);
  app.footer(
      std::string("Examples:\n"
                  "  hardy run                  the whole protocol on a demonstration corpus\n"
                  "  hardy predict MODEL DIR    label the utterances of a folder\n"
                  "  hardy data info DIR        what a corpus holds\n"
                  "  hardy run --help           options of a command\n\n") +
      kExitCodes);
}

/// The innermost command that was given.
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

/// Options and commands for the correction of a misspelt word.
std::vector<std::string> known_words(const CLI::App& command) {
  std::vector<std::string> words;
  for (const CLI::Option* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) words.push_back("--" + name);
  }
  for (const CLI::App* sub : command.get_subcommands(nullptr)) words.push_back(sub->get_name());
  return words;
}

bool needs_command(const CLI::App& command) {
  return command.get_require_subcommand_min() > 0 && command.get_subcommands().empty();
}

/// "hardy data check"
std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return (parent == nullptr ? "" : full_name(*parent) + " ") + command.get_name();
}

/// The message for a command without its required word, or with an unknown one.
std::string missing_command(const CLI::App& command, const std::vector<std::string>& words) {
  for (const auto& word : words) {
    if (word.starts_with('-')) continue;
    const bool is_first = command.get_parent() == nullptr;
    return fmt::format("unknown {}command '{}'", is_first ? "" : command.get_name() + " ", word);
  }
  std::vector<std::string> known;
  for (const CLI::App* sub : command.get_subcommands(nullptr)) known.push_back(sub->get_name());
  return fmt::format("{} needs a command: {}", full_name(command), fmt::join(known, ", "));
}

std::string explain(const CLI::ParseError& error, const CLI::App& app) {
  const CLI::App& command = innermost(app);
  std::string text = error.what();
  if (needs_command(command)) text = missing_command(command, app.remaining(true));
  for (const auto& word : app.remaining(true)) {
    const std::string name = word.substr(0, word.find('='));
    const std::string near = nearest_name(name, known_words(command));
    if (near.empty() || near == name) continue;
    text += fmt::format("; did you mean '{}'?", near);
    break;
  }
  return fmt::format("{}; `{} --help` shows what there is", text, full_name(command));
}

/// Prints --help or --version as a result, so that a full disk is reported.
int say(const CLI::Success& success, const CLI::App& app) {
  std::ostringstream text;
  const int code = app.exit(success, text, text);
  try {
    print(text.str());
  } catch (const Error& error) {
    print_error(error.what());
    return static_cast<int>(exit_code_of(error.kind()));
  }
  return code;
}

int code_of(ExitCode code) { return static_cast<int>(code); }

}  // namespace

int run_program(const std::vector<std::string>& command_line) {
  occupy_standard_descriptors();
  CLI::App app("hardy " + program_version() +
                   ": emotion and sentiment recognition that keeps working when modalities are "
                   "missing (HARDY-MER)",
               "hardy");
  std::string finding;
  try {
    add_commands(app, command_line, finding);
    std::vector<std::string> arguments(command_line.rbegin(), command_line.rend());
    if (!arguments.empty()) arguments.pop_back();  // the program's name
    if (arguments.empty()) {
      print(app.help());
      return code_of(ExitCode::kConfig);
    }
    app.parse(std::move(arguments));
    print("");  // flushes the output of commands, so that a full disk is reported
    if (finding.empty()) return code_of(ExitCode::kOk);
    print_error(finding);
    return code_of(ExitCode::kFinding);
  } catch (const CLI::Success& success) {
    return say(success, app);
  } catch (const CLI::ParseError& error) {
    print_error(explain(error, app));
    return code_of(ExitCode::kConfig);
  } catch (const Error& error) {
    print_error(error.what());
    return code_of(exit_code_of(error.kind()));
  } catch (const std::bad_alloc&) {
    print_error("out of memory; try fewer --jobs, a smaller batch or fewer modalities");
    return code_of(ExitCode::kIo);
  } catch (const std::exception& error) {
    print_error(error.what());
    return code_of(ExitCode::kInternal);
  }
}

}  // namespace hardy
