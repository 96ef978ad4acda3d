#include "cli/report_command.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "base/wording.h"
#include "cli/output.h"
#include "hardy/errors.h"
#include "report/event_file.h"
#include "report/page.h"
#include "report/report_data.h"
#include "report/run_tables.h"
#include "report/tables.h"

namespace hardy {
namespace {

namespace fs = std::filesystem;

struct ReportOptions {
  std::vector<std::string> folders;
  std::vector<std::string> explanations;
  std::string out;
  std::string format = "html";
  std::string command;
};

const std::vector<std::string> kFormats = {"html", "csv", "json", "latex", "tensorboard"};

/// "hardy report mosi --format csv", without the program's path.
std::string command_of(const std::vector<std::string>& command_line) {
  std::string text = "hardy";
  for (std::size_t i = 1; i < command_line.size(); ++i) text += " " + command_line[i];
  return text;
}

void write_tensorboard(const ReportOptions& options, const ReportData& data) {
  if (options.out.empty()) {
    throw ConfigError("--format tensorboard writes a folder: say which with --out DIR");
  }
  std::size_t files = 0;
  for (const auto& run : data.runs) {
    // Names may be whole paths; below --out each is one folder.
    std::string name = run.name;
    for (char& letter : name) letter = letter == '/' ? '_' : letter;
    files +=
        write_event_files(fs::path(options.out) / name, read_curves(RunFolder::open(run.folder)));
  }
  print(fmt::format("{}: {} event files; look at them with tensorboard --logdir {}\n", options.out,
                    files, options.out));
}

void write_text(const ReportOptions& options, const std::string& text) {
  if (options.out.empty()) {
    print(text);
    return;
  }
  write_file_atomically(options.out, text);
  print(fmt::format("written to {}\n", options.out));
}

void run_report(ReportOptions options) {
  if (std::find(kFormats.begin(), kFormats.end(), options.format) == kFormats.end()) {
    const std::string near = nearest_name(options.format, kFormats);
    throw ConfigError(fmt::format("--format {}: known are html, csv, json, latex, tensorboard{}",
                                  options.format,
                                  near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  if (!options.explanations.empty() && options.format != "html") {
    throw ConfigError("--explain: only the page shows explanations; leave --format out");
  }
  ReportData data =
      read_report_data({options.folders.begin(), options.folders.end()}, options.command);
  data.explanations = read_explanations({options.explanations.begin(), options.explanations.end()});
  for (const auto& run : data.runs) {
    for (const auto& notice : run.notices) print_notice(fmt::format("{}: {}", run.name, notice));
  }
  if (options.format == "tensorboard") return write_tensorboard(options, data);
  if (options.format == "csv") return write_text(options, report_csv(data));
  if (options.format == "json") return write_text(options, report_tables_json(data));
  if (options.format == "latex") return write_text(options, report_latex(data));
  if (options.out.empty()) options.out = "report.html";
  if (!has_charts()) print_notice("this hardy was built without its charting library: no charts");
  write_text(options, report_page(data));
}

}  // namespace

void add_report_command(CLI::App& app, const std::vector<std::string>& command_line) {
  auto options = std::make_shared<ReportOptions>();
  options->command = command_of(command_line);
  CLI::App* command = app.add_subcommand("report", "A page, tables or curves of finished runs");
  command->add_option("RUN", options->folders, "Run folders, or study folders with runs in them")
      ->required();
  command
      ->add_option("--out", options->out,
                   "Where to write; default report.html for html, standard output for tables")
      ->type_name("FILE");
  command->add_option("--format", options->format, "html, csv, json, latex or tensorboard")
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option("--explain", options->explanations,
                   "What `hardy explain --json` wrote, to be shown on the page; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->footer(
      "The page is one file that opens anywhere without a network. Several runs must be of one\n"
      "corpus and split; the first is compared with each other.\n\n"
      "Examples:\n"
      "  hardy report mosi                                  report.html\n"
      "  hardy report mosi mosi-without-hardness            side by side\n"
      "  hardy explain mosi DIR --utterance ID --json > why.json && hardy report mosi --explain "
      "why.json\n"
      "  hardy report mosi --format latex > table.tex\n"
      "  hardy report mosi --format tensorboard --out tb    training curves\n");
  command->callback([options] { run_report(*options); });
}

}  // namespace hardy
