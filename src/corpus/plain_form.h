// The plain form of a corpus: a table and one array per modality, which five lines of Python write.
//
//   utterances.csv   one row per utterance: id, label; dialogue, position, speaker, group, split
//                    (train, validation, test), transcript, difficulty, value, present:<modality>
//   <modality>.npy   [N, D] float, rows in the order of the table; a row of NaN = really missing
//   corpus.toml      optional: name, task, class_names, modalities, makers, synthetic
//   SHA256SUMS       optional: what the files were when they were written; others are refused
//
// docs/formats.md has every rule and the Python.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/load.h"

namespace hardy {

inline constexpr const char* kPlainTable = "utterances.csv";
inline constexpr const char* kPlainSettings = "corpus.toml";

/// Path and reading options of a plain corpus.
struct PlainOptions {
  std::filesystem::path folder = {};
  /// "speech=acoustic,textual" (NAME=FILE STEM); empty = those of corpus.toml, else every .npy.
  std::string modalities = {};
  std::string task = "auto";  ///< auto | class | regression: interpretation of labels
  /// false (for prediction) allows a table without the column; then nothing is labelled.
  bool needs_labels = true;
  std::vector<std::string> unlabelled = {};  ///< in addition to those of corpus.toml
  std::string not_finite = "refuse";  ///< refuse | missing: rows with NaN, infinity, huge values
  bool has_ids_by_part = false;       ///< put the part in front of ids
  /// Finds out which modalities each utterance has, and does not judge features: of a mapped array
  /// hardly more than the first number of each row is read.
  bool only_outlines = false;
};

/// Whether a folder holds a plain corpus.
bool is_plain_form(const std::filesystem::path& folder);

/// Reads a plain corpus and collects every problem of single rows and arrays. Throws DataError when
/// the table or an array as a whole is unusable, ConfigError when an option fits none.
Reading read_plain(const PlainOptions& options);

/// read_plain for use: throws DataError at the first error.
Corpus load_plain(const PlainOptions& options);

/// The part of a corpus in its table and settings; modalities have names, presence marks ([N], 1 by
/// default) and no features yet. Separate from read_plain for fuzzing, because it reads no file.
/// `row_of` of utterance i is its row in the table.
struct PlainTable {
  Reading reading;
  std::vector<std::int64_t> row_of;
};

/// Contents of corpus.toml; defaults without one.
struct PlainSettings {
  std::string name;
  std::string task = "auto";
  std::vector<std::string> class_names;
  std::vector<std::string> modalities;
  std::map<std::string, std::string> makers;  ///< extractor of a modality, by the modality's name
  std::vector<std::string> unlabelled;        ///< label texts that mean "not labelled"
  bool is_synthetic = false;
  bool needs_labels = true;      ///< not in the file: PlainOptions::needs_labels
  bool has_ids_by_part = false;  ///< not in the file: PlainOptions::has_ids_by_part
};

/// Reads corpus.toml. Throws DataError with line and column; unknown keys are refused.
PlainSettings parse_plain_settings(std::string_view text, std::string_view name);

/// Reads utterances.csv. `modalities`: names whose presence marks are read. Throws DataError.
PlainTable parse_plain_table(std::string_view text, std::string_view name,
                             const PlainSettings& settings,
                             const std::vector<std::string>& modalities);

/// Whether SHA256SUMS is written beside the files, which may not be edited then.
enum class PlainChecksums : std::uint8_t { kNone, kWritten };

/// Writes a corpus that satisfies validate_corpus. Reading it back gives equal features, presence
/// marks, labels and texts (an absent modality reads as zeros). The folder appears whole or not at
/// all. Throws ConfigError when `folder` exists and is not empty, IoError when the system refuses,
/// DataError when a modality's name cannot be a file name.
void write_plain(const Corpus& corpus, const std::filesystem::path& folder,
                 PlainChecksums checksums = PlainChecksums::kNone);

/// The same for a corpus without features: `write_array` writes the array of modality m.
using ArrayWriter = std::function<void(std::size_t m, const std::filesystem::path& file)>;
void write_plain(const Corpus& corpus, const std::filesystem::path& folder,
                 const ArrayWriter& write_array, PlainChecksums checksums = PlainChecksums::kNone);

}  // namespace hardy
