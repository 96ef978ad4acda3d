// `hardy audit`: is the protocol honest? Its options, and what the trainer does with them, as in
// training_commands.h. `audit defects` and `audit leak` are studies (study_commands.h).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/study_commands.h"
#include "experiments/study_results.h"
#include "hardy/config.h"
#include "hardy/corpus.h"

namespace hardy {

/// A split to be examined.
struct SplitAuditCommand {
  Config config;
  std::filesystem::path out;  ///< folder of split.csv
  bool json = false;
  bool quiet = false;
  std::vector<std::string> command_line;
};

/// Adds the commands. `command_line` is argv; `finding` receives what an audit found that must not
/// be, once its report is complete, and must outlive `app`.
void add_audit_command(CLI::App& app, const std::vector<std::string>& command_line,
                       std::string& finding);

/// Carries it out, as carry_out(TrainingRequest) does. Returns what must not be; "" when all is
/// well.
std::string carry_out(const SplitAuditCommand& command);

/// What a study of this kind is run on: noise for the leak audit, else the corpus itself.
Corpus audited_corpus(const std::string& kind, Corpus corpus);

/// What an audit says of its study.
struct AuditReport {
  std::string text;     ///< to be printed
  std::string finding;  ///< what must not be; "" when all is well
};

/// Writes the audit's own files into the study's folder; nothing when the study is no audit.
std::optional<AuditReport> report_audit(const StudyCommand& command, const StudyResult& result);

}  // namespace hardy
