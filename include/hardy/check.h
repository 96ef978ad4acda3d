/// @file
/// Checks of a corpus: all of its problems at once, each with a remedy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/reading.h"

namespace hardy {

/// The outcome of `hardy data check`.
struct CheckReport {
  std::string source;             ///< path or name of the corpus
  std::int64_t utterances = 0;    ///< read; 0 when the corpus could not be read at all
  std::vector<Finding> findings;  ///< errors first, then warnings, then notes
  Corpus corpus;                  ///< as far as it could be read, unambiguous mends made

  /// Number of findings of one severity.
  [[nodiscard]] std::int64_t count(Severity severity) const;

  /// Whether the corpus is usable: no error. Whatever load_corpus refuses is an error here.
  [[nodiscard]] bool is_sound() const { return count(Severity::kError) == 0; }
};

/// Reads the corpus and checks it as a whole, for training under `protocol`. A corpus that cannot
/// be read at all is one finding. `jobs`: reading threads, >= 1. Throws ConfigError for options,
/// IoError when the operating system refuses.
CheckReport check_corpus(const DataConfig& config, int jobs, const ProtocolConfig& protocol = {});

/// The checks of a corpus in memory: utterances without a modality or label, absent, constant and
/// all-zero modalities, classes with no or one member, one class only, speakers on both sides of
/// the official split. `corpus` may break the invariants of Corpus.
std::vector<Finding> check_contents(const Corpus& corpus);

/// check_contents and check_folds (hardy/split.h) together: everything that `hardy run` refuses is
/// an error here.
std::vector<Finding> check_training(const Corpus& corpus, const ProtocolConfig& protocol);

/// Throws the first error of check_training: DataError, or ConfigError where the protocol asks for
/// a split that the corpus does not have.
void require_trainable(const Corpus& corpus, const ProtocolConfig& protocol);

/// The report as plain text: findings grouped by kind, the first few of each, and the verdict in
/// the last line.
std::string check_text(const CheckReport& report);

/// The report as one JSON object with every finding.
std::string check_json(const CheckReport& report);

}  // namespace hardy
