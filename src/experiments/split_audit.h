// Split audit: dialogues, speakers and near-duplicate utterances that occur in several parts of a
// fold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/split.h"

namespace hardy {

/// A row is a near duplicate of a training row at less than this share of the usual distance to the
/// nearest neighbour (median over training rows, standardised features).
inline constexpr double kNearShare = 0.05;
/// An utterance is a copy when it nearly repeats the same training utterance in this many
/// modalities (in all if it has fewer): one modality may agree naturally, as the text of short
/// answers does.
inline constexpr int kCopyModalities = 2;
/// Copies are a finding above this share of a part: below it they change a result by less than one
/// point.
inline constexpr double kCopyShare = 0.01;
/// Equal transcripts with fewer words are ignored.
inline constexpr int kFewestWords = 5;

/// One line of the audit.
struct SplitCheck {
  int fold = 0;
  std::string fold_name;
  std::string part;      ///< "test" | "validation": held against the training part (dialogues of
                         ///< the test part: against both others)
  std::string check;     ///< "dialogues" | "speakers" | "near duplicates" | "copies" |
                         ///< "transcripts" | "constant rows"
  std::string modality;  ///< of near duplicates and constant rows
  std::int64_t count = 0;
  std::int64_t of = 0;  ///< number of examined items
  bool is_finding = false;
  std::vector<std::string> examples;  ///< a few, "test id = training id"
  std::string missing;                ///< why it was not examined; otherwise empty
};

struct SplitReport {
  std::string data_name;
  bool is_synthetic = false;
  std::vector<SplitCheck> checks;

  [[nodiscard]] std::int64_t findings() const;
};

/// Examines the folds of the protocol.
SplitReport audit_split(const Corpus& corpus, const std::vector<Fold>& folds);

std::string split_text(const SplitReport& report);
std::string split_csv(const SplitReport& report);
std::string split_json(const SplitReport& report);

}  // namespace hardy
