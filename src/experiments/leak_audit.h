// Leak audit: features are replaced by noise, so that results above chance prove that the protocol
// reads test labels.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/compare_runs.h"
#include "experiments/study_results.h"

namespace hardy {

inline constexpr const char* kLeakAudit = "audit-leak";
/// Root seed of the noise (noise_corpus).
inline constexpr std::uint64_t kNoiseSeed = 1;
/// Share of clean protocols that the audit wrongly reports.
inline constexpr double kLeakLevel = 0.05;
/// Folds with fewer test dialogues are not tested.
inline constexpr std::int64_t kFewestTestDialogues = 6;

/// The study: the settings as they are ("strict", or "as set" with defects on) and the published
/// protocol. Requires: it is run on a noise corpus.
Study leak_audit(const Config& base);

/// One number of one fold of a run on noise, mean over seeds.
struct ChanceRow {
  std::string track;
  std::string condition;  ///< a pattern's label or "average"
  int fold = 0;
  std::string fold_name;
  std::string measure;  ///< "ua" (classes, or the sign of values) | "correlation"
  double value = 0;
  double chance = 0;       ///< value of a predictor without knowledge of the test labels
  double p = 0;            ///< one-sided, of a t over dialogues; NaN when `missing`
  double corrected_p = 0;  ///< after Holm's correction over the rows of the run
  bool is_above = false;   ///< corrected_p <= kLeakLevel
  std::string missing;     ///< why it was not tested; otherwise empty
};

/// Tests every fold, track and condition of a finished run. UA is the mean recall over the classes
/// of the fold's test part, which predicting the most frequent class does not raise; for real
/// values it is that of the sign, and the correlation is tested too.
std::vector<ChanceRow> judge_against_chance(const FinishedRun& run);

/// Result of the audit.
struct LeakReport {
  std::string data_name;
  std::string checked_label;  ///< "strict" | "as set"
  std::int64_t seeds = 0;
  std::vector<ChanceRow> checked;
  std::vector<ChanceRow> published;

  /// Rows of the checked protocol above chance.
  [[nodiscard]] std::int64_t leaks() const;
  /// Rows of the checked protocol that were tested.
  [[nodiscard]] std::int64_t judged() const;
};

LeakReport leak_report(const std::filesystem::path& folder, const StudyResult& result);

/// "the strict protocol is at chance in all 70 numbers", or the leaks that were found.
std::string leak_verdict(const LeakReport& report);

std::string leak_text(const LeakReport& report);
std::string leak_csv(const LeakReport& report);
std::string leak_json(const LeakReport& report);

}  // namespace hardy
