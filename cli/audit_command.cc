#include "cli/audit_command.h"

#include <memory>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/checksum.h"
#include "cli/study_options.h"
#include "experiments/defect_audit.h"
#include "experiments/leak_audit.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

void add_defects(CLI::App& audit, const std::vector<std::string>& command_line,
                 std::string& finding) {
  auto typed = std::make_shared<TypedStudy>();
  CLI::App* command =
      audit.add_subcommand("defects", "What each defect of the published code is worth in points");
  add_study_options(*command, *typed);
  command->footer(
      "Runs the strict protocol with one published defect on at a time, each against the same\n"
      "settings without it, and all of them together; prints the difference of the average over\n"
      "conditions with intervals. Without --track specialists are trained, as published.\n"
      "Stages that variants share are computed once; interrupted, the same command resumes.\n\n"
      "Examples:\n"
      "  hardy audit defects data/CMUMOSI --preset quick --seeds 1-2 --out defects\n"
      "  hardy audit defects data/IEMOCAP --dry-run       how long would it take\n");
  command->callback([typed, command_line, &finding] {
    FitOptions options = without_models(*typed);
    auto& assignments = options.config.assignments;
    assignments.insert(assignments.begin(), "protocol.tracks=specialist");
    Study study = defect_audit(fit_config(options));
    finding = carry_out(study_command(*typed, std::move(study), command_line));
  });
}

void add_leak(CLI::App& audit, const std::vector<std::string>& command_line, std::string& finding) {
  auto typed = std::make_shared<TypedStudy>();
  CLI::App* command =
      audit.add_subcommand("leak", "Replace the features by noise: is every fold at chance?");
  add_study_options(*command, *typed);
  command->footer(
      "Labels, dialogues, marks and missing modalities stay as they are. Every fold, track and\n"
      "condition of the strict protocol must then be at chance (UA; real values: UA of the sign,\n"
      "and correlation). Also shows what the published protocol makes of the same noise.\n"
      "Exit code 1: the protocol is above chance, so it reads labels that it must not.\n"
      "Exit code 3: no fold has enough test dialogues to be judged.\n\n"
      "Examples:\n"
      "  hardy audit leak data/CMUMOSI --preset quick --seeds 1-2 --out leak\n"
      "  hardy audit leak --preset quick --set hardymer_published.h2_shared_tuning=true   a leak "
      "is "
      "found\n");
  command->callback([typed, command_line, &finding] {
    Study study = leak_audit(fit_config(without_models(*typed)));
    validate_study(study);
    finding = carry_out(study_command(*typed, std::move(study), command_line));
  });
}

void add_split(CLI::App& audit, const std::vector<std::string>& command_line,
               std::string& finding) {
  auto typed = std::make_shared<FitOptions>();
  CLI::App* command = audit.add_subcommand(
      "split", "Look for dialogues, speakers and near-duplicate utterances across the split");
  command->add_option(
      "DATA", typed->data,
      "Folder of the corpus; without it the embedded demonstration corpus (synthetic)");
  add_config_options(*command, typed->config);
  command->add_option("--out", typed->out, "Folder for split.csv; default runs/audit-split-<8 hex>")
      ->type_name("DIR");
  add_output_options(*command, *typed);
  command->footer(
      "Looks at the folds that the protocol makes (protocol.split and the settings beside it).\n"
      "Exit code 1: something is on both sides that must not be.\n\n"
      "Examples:\n"
      "  hardy audit split data/IEMOCAP\n"
      "  hardy audit split data/CMUMOSI --set protocol.split=kfold --json\n");
  command->callback([typed, command_line, &finding] {
    SplitAuditCommand request;
    request.config = fit_config(*typed);
    request.out = typed->out;
    if (request.out.empty()) {
      const auto digest = sha256(config_toml(request.config)).substr(0, 8);
      request.out = std::filesystem::path("runs") / ("audit-split-" + digest);
    }
    request.json = typed->json;
    request.quiet = typed->quiet;
    request.command_line = command_line;
    finding = carry_out(request);
  });
}

}  // namespace

void add_audit_command(CLI::App& app, const std::vector<std::string>& command_line,
                       std::string& finding) {
  CLI::App* audit = app.add_subcommand("audit", "Is the protocol honest, and what do defects do?");
  audit->require_subcommand(1);
  add_defects(*audit, command_line, finding);
  add_leak(*audit, command_line, finding);
  add_split(*audit, command_line, finding);
  audit->footer(
      "docs/audit.md says what each audit does and how to read it.\n\n"
      "Examples:\n"
      "  hardy audit split DIR      first: is the split clean?\n"
      "  hardy audit leak DIR       is the protocol at chance on noise?\n"
      "  hardy audit defects DIR    what is each published defect worth?\n");
}

}  // namespace hardy
