/// @file
/// Config -> corpus: detects the layout, reads it, applies the task, validates; checks of a corpus:
/// all of its problems at once, each with a remedy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"

namespace hardy {

/// Severities of a finding.
enum class Severity {
  kNote,     ///< worth knowing
  kWarning,  ///< loads, but the corpus is unusual or results suffer
  kError     ///< refused when loading
};

/// "note", "warning", "error".
const char* severity_name(Severity severity);

/// One problem of a corpus.
struct Finding {
  Severity severity = Severity::kNote;  ///< decides whether loading refuses the corpus
  std::string kind;    ///< stable short name, e.g. "missing-file"; listed in docs/data_check.md
  std::string where;   ///< file, modality, dialogue or utterance
  std::string what;    ///< the problem, with the value
  std::string remedy;  ///< what to do about it
  /// The corpus of the reading already contains the correction, which was unambiguous.
  bool is_mended = false;
};

/// A corpus as far as it could be read. With an error among the findings, the invariants of Corpus
/// may not hold.
struct Reading {
  Corpus corpus;                  ///< partial when a finding is an error
  std::vector<Finding> findings;  ///< in the order in which they were found
};

/// Throws DataError for a file name that is not UTF-8, e.g. from an archive of another system: it
/// would end up in the names of models and results.
void require_readable_name(const std::filesystem::path& folder, const std::string& name);

/// The corpus, if no finding is an error. Throws DataError with the first error, how many more
/// there are, and the command that lists them.
Corpus take_sound_corpus(Reading reading);

/// One entry of `data.modalities`, e.g. "acoustic=wav2vec-large-c-UTT".
struct ModalityChoice {
  std::string name;    ///< empty when only a source was given
  std::string source;  ///< folder or file stem
};

/// Reads "acoustic=wav2vec-large-c-UTT,textual=deberta-large-4-UTT". Throws ConfigError.
std::vector<ModalityChoice> parse_modality_choices(const std::string& text);

/// The modality of an extractor's folder: "acoustic" for wav2vec..., hubert..., "textual" for
/// deberta..., "visual" for manet...; the folder's name when the extractor is unknown.
std::string modality_of_folder(const std::string& folder);

/// Order of modalities in the literature: 0, 1, 2 for acoustic, textual, visual; 3 for any other.
int modality_rank(const std::string& name);

/// Reads the corpus that `config` names. An empty path (or format "demo") is the embedded
/// demonstration corpus, the path "crema-d" the embedded ratings of CREMA-D unless such a folder
/// exists; format "auto" reads a folder with utterances.csv as the plain form, one with a features
/// folder or a label pickle as a tree. Task "binary" turns values into the classes negative and
/// positive (value > 0) and keeps the values in Corpus::values: exactly 0 is neither. The result
/// satisfies validate_corpus and carries its checksum.
/// `jobs`: reading threads, >= 1. `warnings`, when given, receives the warnings of the readers.
/// Throws DataError, ConfigError, IoError.
Corpus load_corpus(const DataConfig& config, int jobs, std::vector<Finding>* warnings = nullptr);

/// The same for looking at sizes and labels only: large features in the plain form are not read but
/// for which utterances have them, are not validated, and the checksum then stays empty.
Corpus load_outline(const DataConfig& config, int jobs);

/// The same without throwing at problems of single files and records: for `hardy data check`.
/// Neither validated nor given a checksum.
Reading read_corpus(const DataConfig& config, int jobs);

/// Turns a corpus of values into the two classes "negative" and "positive"; Corpus::values keeps
/// the values. Throws ConfigError when the labels are classes already.
void make_binary(Corpus& corpus);

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

/// check_contents, check_folds (hardy/split.h) and a single modality that the method does not
/// take: everything that `hardy run` refuses is an error here.
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
