// A trained recogniser in one file (the "bundle"): a tensor file whose metadata says everything
// needed to use it. docs/bundle.md has the fields.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hardy/config.h"
#include "hardy/modality.h"
#include "hardy/tensor_file.h"

namespace hardy {

/// Newest version of the metadata; newer ones are refused, all older ones are read. Models are
/// written in the oldest version that can say what they are: 5 when they answer with several labels
/// or values, 4 when scaled features have limits, 3 when they are tuned, else 2.
inline constexpr int kBundleFormat = 5;
/// The methods whose networks the prediction library runs.
inline constexpr const char* kHardyMethod = "hardy-mer";

/// One modality of a bundle.
struct BundleModality {
  std::string name;
  std::int64_t width = 0;  ///< d_m >= 1
};

/// How to turn outputs under one pattern into a confidence; fitted on validation utterances.
struct Calibration {
  Pattern pattern;
  std::int64_t utterances = 0;  ///< that it was fitted on
  double temperature = 1;       ///< classes: softmax(logits / temperature); > 0
  double expected_error = 0;    ///< classes: expected calibration error after it, in [0,1];
                                ///< values: root of the mean squared error
};

/// Scores of the model under one pattern on one part of its fold; or, of a model of all data
/// (`hardy train --all-data`), what models of the same settings reached on their test parts.
struct BundleScore {
  std::string part;  ///< "validation" | "test" | "folds" (mean over the folds and seeds of a run)
  Pattern pattern;
  std::int64_t utterances = 0;
  std::map<std::string, double> metrics;  ///< by name (wa, ua, ..); undefined ones are left out
};

/// What a bundle says of itself.
struct BundleInfo {
  int format = kBundleFormat;
  std::string method = kHardyMethod;
  std::string track = "unified";  ///< "specialist" | "unified"
  Pattern trained;                ///< the specialist's pattern; the complete one for `unified`
  int fold = 0;
  std::int64_t seed = 0;
  std::vector<BundleModality> modalities;  ///< [M]
  /// [M] extractors that made the training features, an empty text where unknown; or empty.
  std::vector<std::string> makers;
  std::vector<std::string> class_names;   ///< [C] in the order of the outputs; empty = values
  std::string label_kind = "class";       ///< class | value | labels | values (hardy/corpus.h)
  std::vector<std::string> target_names;  ///< [T] of labels and values, in the order of the outputs
  EncoderConfig encoder;
  bool mixes_experts = false;
  bool reads_tuned = false;      ///< scaled features pass the tuning nets of the file first
  bool limits_features = false;  ///< scaled features are kept between limits of the file
  std::vector<Calibration> calibrations;
  std::vector<BundleScore> scores;
  std::string data_name;
  std::string data_checksum;  ///< SHA-256 of the corpus
  bool is_synthetic = false;
  std::vector<std::int64_t> test_dialogues;  ///< of that corpus
  /// Marks (seen_mark) of the dialogues and utterances that trained and chose it, sorted: what must
  /// not be scored. Empty = the file does not say.
  std::vector<std::int64_t> seen;
  std::string program_version;  ///< of the hardy that wrote it
  std::string config_toml;      ///< all settings of the run; empty when converted

  /// Whether an utterance gets one of several classes.
  [[nodiscard]] bool is_classification() const { return !class_names.empty(); }

  /// C, T, or 1 for a value.
  [[nodiscard]] std::int64_t outputs() const {
    if (!target_names.empty()) return static_cast<std::int64_t>(target_names.size());
    return is_classification() ? static_cast<std::int64_t>(class_names.size()) : 1;
  }

  [[nodiscard]] std::vector<std::string> modality_names() const;

  /// Index of a modality. Throws ConfigError with the known names and the nearest one.
  [[nodiscard]] int modality_index(std::string_view name) const;

  /// The extractor that modality `m` was trained with; empty = unknown.
  [[nodiscard]] std::string maker(std::size_t m) const {
    return m < makers.size() ? makers[m] : std::string();
  }

  /// The calibration of a pattern; null when none was fitted.
  [[nodiscard]] const Calibration* calibration(Pattern pattern) const;
};

/// Throws DataError, with the remedy, when features of `maker` are not those that modality `m` was
/// trained on. An unknown maker on either side is accepted. `source` names the features.
void check_maker(const BundleInfo& info, std::size_t m, const std::string& maker,
                 const std::string& source);

/// A dialogue or an utterance ("dialogue", "utterance") in BundleInfo::seen: 64 bits of a SHA-256,
/// so that models name nobody.
std::int64_t seen_mark(std::string_view what, std::string_view id);

/// Puts the description into a tensor file's metadata.
void set_bundle_info(TensorFile& file, const BundleInfo& info);

/// Reads it back; `arrays` gives the widths that format 1 did not store. Throws ArtifactError
/// naming what is missing, damaged, newer than this program, or of a method it cannot run.
BundleInfo read_bundle_info(const TensorFileView& file, const std::string& name);

}  // namespace hardy
