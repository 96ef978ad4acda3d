// What a reader brings home: a corpus and every problem it met on the way.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

enum class Severity {
  kNote,     ///< worth knowing
  kWarning,  ///< loads, but results suffer or the corpus is unusual
  kError     ///< refused when loading
};

/// "note", "warning", "error".
const char* severity_name(Severity severity);

/// One problem of a corpus.
struct Finding {
  Severity severity = Severity::kNote;
  std::string kind;    ///< stable short name, e.g. "missing-file"; listed in docs/data_check.md
  std::string where;   ///< file, modality, dialogue or utterance
  std::string what;    ///< what is wrong, with the value
  std::string remedy;  ///< what to do
  /// The corpus of the reading is as if this were corrected: nothing was guessed.
  bool is_mended = false;
};

/// A corpus as far as it could be read. With an error among the findings its invariants may not
/// hold.
struct Reading {
  Corpus corpus;
  std::vector<Finding> findings;
};

/// Throws DataError for a file name that is not UTF-8, as archives of other systems leave them:
/// models and results are named after it.
void require_readable_name(const std::filesystem::path& folder, const std::string& name);

/// The corpus, if no finding is an error. Throws DataError with the first error, how many more
/// there are, and the command that lists them.
Corpus take_sound_corpus(Reading reading);

/// One entry of the option that says where modalities come from ("acoustic=wav2vec-large-c-UTT").
struct ModalityChoice {
  std::string name;    ///< empty when only a source was given
  std::string source;  ///< folder or file stem
};

/// Reads "acoustic=wav2vec-large-c-UTT,textual=deberta-large-4-UTT". Throws ConfigError.
std::vector<ModalityChoice> parse_modality_choices(const std::string& text);

/// The modality that extractors of this name produce: "acoustic" for wav2vec..., hubert...,
/// "textual" for deberta..., "visual" for manet...; the name itself when unknown.
std::string modality_of_folder(const std::string& folder);

/// 0, 1, 2 for acoustic, textual, visual, as the literature orders them; 3 for any other.
int modality_rank(const std::string& name);

}  // namespace hardy
