// Help texts that fit a terminal of 80 columns.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace hardy {

/// Sets paragraphs and descriptions in lines of at most 80 columns. An option shows the name of its
/// value; its default and what it needs stand behind the description. Commands inherit it from the
/// command that they are added to.
class HelpFormat : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
  std::string make_description(const CLI::App* app) const override;
  std::string make_footer(const CLI::App* app) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

/// Options that a command gets during its life stand in a group of their own in the help.
class OptionGroup {
 public:
  OptionGroup(CLI::App& command, const std::string& name);
  OptionGroup(const OptionGroup&) = delete;
  OptionGroup& operator=(const OptionGroup&) = delete;
  ~OptionGroup();

 private:
  CLI::App& command_;
  std::string outer_;
};

}  // namespace hardy
