/// @file
/// Config -> corpus: detects the layout, reads it, applies the task, validates.
#pragma once

#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/reading.h"

namespace hardy {

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

}  // namespace hardy
