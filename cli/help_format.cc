#include "cli/help_format.h"

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hardy {
namespace {

constexpr std::size_t kHelpWidth = 80;
constexpr std::size_t kNameWidth = 28;     // of an option or command, with its indentation
constexpr std::size_t kCommentIndent = 6;  // of what an example does, where its line is too short

/// `text` in lines of at most `width` columns. Every line but the first is indented; the first one
/// has `used` columns already. A longer word stands alone. No line end follows the last.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t used,
                    std::size_t width = kHelpWidth) {
  std::string result;
  std::istringstream words(text);
  std::string word;
  bool is_first = true;
  while (words >> word) {
    if (!is_first && used + 1 + word.size() > width) {
      result += "\n" + std::string(indent, ' ');
      used = indent;
      is_first = true;
    }
    result += (is_first ? "" : " ") + word;
    used += word.size() + (is_first ? 0 : 1);
    is_first = false;
  }
  return result;
}

/// A name and its description in two columns.
std::string two_columns(const std::string& name, const std::string& description) {
  std::string line = "  " + name;
  if (line.size() + 2 > kNameWidth) {
    line += "\n" + std::string(kNameWidth, ' ');
  } else {
    line.resize(kNameWidth, ' ');
  }
  return line + wrapped(description, kNameWidth, kNameWidth) + "\n";
}

/// A command that is too long for a line, with the shell's mark of a continued one.
std::string continued(const std::string& command) {
  const std::string mark = " \\";
  const std::string lines = wrapped(command, kCommentIndent, 2, kHelpWidth - mark.size());
  std::string result = "  ";
  for (const char letter : lines) result += letter == '\n' ? mark + letter : std::string(1, letter);
  return result;
}

/// "  hardy run DIR    what it does": where the line is too long, what it does gets its own.
std::string example_line(const std::string& line) {
  if (line.size() <= kHelpWidth) return line;
  const auto gap = std::min(line.find("   ", line.find_first_not_of(' ')), line.size());
  const std::string command =
      gap > kHelpWidth ? continued(line.substr(0, gap)) : line.substr(0, gap);
  const std::string comment = wrapped(line.substr(gap), kCommentIndent, kCommentIndent);
  if (comment.empty()) return command;
  return command + "\n" + std::string(kCommentIndent, ' ') + comment;
}

/// Sets paragraphs; indented lines are examples and stay lines.
std::string set_text(const std::string& text) {
  std::vector<std::string> lines;
  std::string paragraph;
  const auto end_paragraph = [&] {
    if (!paragraph.empty()) lines.push_back(wrapped(std::exchange(paragraph, ""), 0, 0));
  };
  std::istringstream input(text);
  std::string line;
  while (std::getline(input, line)) {
    const bool is_example = line.starts_with(' ');
    if (is_example || line.empty()) end_paragraph();
    if (is_example) {
      lines.push_back(example_line(line));
    } else if (line.empty()) {
      lines.emplace_back();
    } else {
      paragraph += line + " ";
      if (line.ends_with(':')) end_paragraph();
    }
  }
  end_paragraph();
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

/// "N:INT in [0 - 9]" -> "N", and "N" for numbers without a name.
std::string value_name(const std::string& type) {
  const auto name = type.substr(0, type.find(':'));
  return name == "INT" || name == "UINT" || name == "FLOAT" ? "N" : name;
}

}  // namespace

std::string HelpFormat::make_help(const CLI::App* app, std::string name,
                                  CLI::AppFormatMode mode) const {
  std::string text = Formatter::make_help(app, std::move(name), mode);
  // Between groups the library leaves two empty lines.
  for (auto at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n", at)) {
    text.erase(at, 1);
  }
  return text;
}

std::string HelpFormat::make_description(const CLI::App* app) const {
  return set_text(app->get_description());
}

std::string HelpFormat::make_footer(const CLI::App* app) const {
  return app->get_footer().empty() ? "" : set_text(app->get_footer());
}

std::string HelpFormat::make_subcommand(const CLI::App* command) const {
  return two_columns(command->get_display_name(true), command->get_description());
}

std::string HelpFormat::make_option(const CLI::Option* option, bool is_positional) const {
  return two_columns(make_option_name(option, is_positional) + make_option_opts(option),
                     make_option_desc(option));
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0 || option->get_positional()) return "";
  const std::string name = value_name(option->get_type_name());
  return name.empty() ? "" : " " + name;
}

std::string HelpFormat::make_option_desc(const CLI::Option* option) const {
  std::vector<std::string> notes;
  if (option->get_required() && !option->get_positional()) notes.emplace_back("required");
  if (option->get_type_size() != 0 && !option->get_default_str().empty()) {
    notes.push_back("default " + option->get_default_str());
  }
  for (const auto* needed : option->get_needs()) notes.push_back("with " + needed->get_name());
  if (notes.empty()) return option->get_description();
  return fmt::format("{} ({})", option->get_description(), fmt::join(notes, ", "));
}

OptionGroup::OptionGroup(CLI::App& command, const std::string& name)
    : command_(command), outer_(command.option_defaults()->get_group()) {
  command.option_defaults()->group(name);
}

OptionGroup::~OptionGroup() { command_.option_defaults()->group(outer_); }

}  // namespace hardy
