/// @file
/// The result of a reader: a corpus and the problems found in its files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

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

}  // namespace hardy
