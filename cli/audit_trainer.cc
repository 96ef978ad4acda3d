// `hardy audit` in the trainer.
#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/wording.h"
#include "cli/audit_command.h"
#include "cli/output.h"
#include "corpus/synth/noise_corpus.h"
#include "experiments/defect_audit.h"
#include "experiments/leak_audit.h"
#include "experiments/split_audit.h"
#include "experiments/study_results.h"
#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/split.h"

namespace hardy {

std::string carry_out(const SplitAuditCommand& command) {
  const int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const Corpus corpus = load_corpus(command.config.data, threads);
  const SplitReport report = audit_split(corpus, make_folds(corpus, command.config.protocol));
  write_file_atomically(command.out / "split.csv", split_csv(report));
  print(command.json ? split_json(report) : split_text(report));
  if (!command.quiet) print_notice("written to " + (command.out / "split.csv").string());
  if (report.findings() == 0) return "";
  return fmt::format(
      "audit split: {}, marked in the report; take the doubles out of the corpus or "
      "choose another protocol.split",
      counted(report.findings(), "finding"));
}

Corpus audited_corpus(const std::string& kind, Corpus corpus) {
  if (kind != kLeakAudit) return corpus;
  if (corpus.target_count() > 0) {
    throw DataError(
        fmt::format("{}: the audit judges one class or value per utterance, not several labels",
                    corpus.source),
        "audit one of them: leave the other label columns out of a copy");
  }
  return noise_corpus(corpus, kNoiseSeed);
}

std::optional<AuditReport> report_audit(const StudyCommand& command, const StudyResult& result) {
  if (command.study.kind == kDefectAudit) {
    const auto worths = defect_worths(command.out, result);
    write_file_atomically(command.out / "audit.csv", defect_audit_csv(worths));
    seal_study(command.out);
    return AuditReport{
        command.json ? defect_audit_json(result, worths) : defect_audit_text(result, worths), ""};
  }
  if (command.study.kind == kLeakAudit) {
    const auto report = leak_report(command.out, result);
    write_file_atomically(command.out / "leak.csv", leak_csv(report));
    seal_study(command.out);
    const std::string text = command.json ? leak_json(report) : leak_text(report);
    if (report.judged() == 0) {
      print(text);
      throw DataError("audit leak: " + leak_verdict(report),
                      "use fewer folds (--set protocol.folds=2) or more dialogues");
    }
    return AuditReport{text, report.leaks() == 0 ? "" : "audit leak: " + leak_verdict(report)};
  }
  return std::nullopt;
}

}  // namespace hardy
