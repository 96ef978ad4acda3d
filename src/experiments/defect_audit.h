// Effect of each published defect in points on a corpus: a study of the strict protocol against
// itself with one defect on at a time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "experiments/study_results.h"

namespace hardy {

inline constexpr const char* kDefectAudit = "audit-defects";

/// One question of the audit: the difference between `variant` and its counterpart without the
/// defect.
struct DefectQuestion {
  std::string variant;      ///< label, e.g. "H7"
  std::string counterpart;  ///< label of the run with equal settings without the defect
  std::string summary;      ///< effect of the defect on training or evaluation
};

/// The study: the strict protocol, the counterparts of some defects (tuned input, slots), a variant
/// per defect, and all of them together ("published"). Throws ConfigError when `base` has a defect
/// on already or leaves a defect without effect.
Study defect_audit(const Config& base);

/// Its questions in order. H1b is compared with H1; "published" with the same settings without
/// defects and with the strict protocol.
std::vector<DefectQuestion> defect_questions(const Study& study);

/// The answer to one question on one track.
struct DefectWorth {
  DefectQuestion question;
  std::string track;
  std::string condition;         ///< "average", or the only condition
  bool changes_nothing = false;  ///< all predictions are equal
  Comparison comparison;         ///< first = the variant, second = its counterpart
};

/// Compares the finished runs in `folder`, with Holm's correction over all questions and tracks, in
/// the first headline metric.
std::vector<DefectWorth> defect_worths(const std::filesystem::path& folder,
                                       const StudyResult& result);

std::string defect_audit_text(const StudyResult& result, const std::vector<DefectWorth>& worths);
std::string defect_audit_csv(const std::vector<DefectWorth>& worths);
std::string defect_audit_json(const StudyResult& result, const std::vector<DefectWorth>& worths);

/// "worth +1.20 points [0.4, 2.0] ...: raises the reported number".
std::string worth_verdict(const DefectWorth& worth);

}  // namespace hardy
