// `hardy audit`: audits of a protocol. Options, and their execution by the trainer, as in
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

/// A split audit.
struct SplitAuditCommand {
  Config config;
  std::filesystem::path out;  ///< folder of split.csv
  bool json = false;
  bool quiet = false;
  std::vector<std::string> command_line;
};

/// Adds the commands. `command_line` is argv; `finding` receives the finding of an audit once its
/// report is complete, and must outlive `app`.
void add_audit_command(CLI::App& app, const std::vector<std::string>& command_line,
                       std::string& finding);

/// Carries it out, as carry_out(TrainingRequest). Returns the finding; "" if there is none.
std::string carry_out(const SplitAuditCommand& command);

/// The corpus of an audit of this kind: noise for the leak audit, else the corpus itself.
Corpus audited_corpus(const std::string& kind, Corpus corpus);

/// Report of an audit on its study.
struct AuditReport {
  std::string text;     ///< text to print
  std::string finding;  ///< finding; "" if there is none
};

/// Writes the audit's own files into the study's folder; nothing when the study is no audit.
std::optional<AuditReport> report_audit(const StudyCommand& command, const StudyResult& result);

}  // namespace hardy
