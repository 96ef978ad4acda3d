/// @file
/// A trained recogniser in one file (the "bundle"): a tensor file whose metadata describes the
/// model completely. docs/bundle.md lists the fields.
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

/// Newest version of the metadata; a newer one is refused, every older one is read. A model is
/// written in the oldest version that can express it: 5 with several labels or values, 4 with a
/// clip range for scaled features, 3 with tuned features, else 2.
inline constexpr int kBundleFormat = 5;
/// The method of format 2 and later in BundleInfo::method; which of hardy's methods trained the
/// network is in BundleInfo::config_toml.
inline constexpr const char* kHardyMethod = "hardy-mer";

/// One modality of a bundle.
struct BundleModality {
  std::string name;        ///< unique in the bundle, e.g. "acoustic"
  std::int64_t width = 0;  ///< d_m >= 1
};

/// The map from outputs under one pattern to a confidence; fitted on validation utterances.
struct Calibration {
  Pattern pattern;              ///< available modalities that it applies to
  std::int64_t utterances = 0;  ///< number of utterances that it was fitted on
  double temperature = 1;       ///< classes: softmax(logits / temperature); > 0
  double expected_error = 0;    ///< classes: expected calibration error after it, in [0,1];
                                ///< values: root of the mean squared error
};

/// Scores of validation utterances under one pattern, from which prediction sets are made
/// (hardy/coverage.h).
struct CoverageScores {
  Pattern pattern;  ///< the modalities that each of these utterances was predicted from
  /// [n] ascending; classes: 1 - probability of the true class, before calibration, in [0,1]; a
  /// value: distance between truth and prediction, >= 0.
  std::vector<float> scores;
  std::vector<std::int64_t> sizes;  ///< [n] number of these utterances in the same dialogue, >= 1
};

/// Scores of the model under one pattern on one part of its fold; or, of a model of all data
/// (`hardy train --all-data`), what models of the same settings reached on their test parts.
struct BundleScore {
  std::string part;  ///< "validation" | "test" | "folds" (mean over the folds and seeds of a run)
  Pattern pattern;   ///< available modalities
  std::int64_t utterances = 0;            ///< number of scored utterances
  std::map<std::string, double> metrics;  ///< by name (wa, ua, ..); undefined ones are left out
};

/// Description of a model: origin, inputs, outputs, network shape, calibration and scores.
struct BundleInfo {
  int format = kBundleFormat;         ///< version of the metadata, 1..kBundleFormat
  std::string method = kHardyMethod;  ///< family of the network; others are refused by name
  std::string track = "unified";      ///< "specialist" | "unified"
  Pattern trained;                    ///< the specialist's pattern; the complete one for `unified`
  int fold = 0;                       ///< Fold::index of its training data
  std::int64_t seed = 0;              ///< training seed
  std::vector<BundleModality> modalities;  ///< [M] in the order of all inputs
  /// [M] extractors that made the training features, an empty text where unknown; or empty.
  std::vector<std::string> makers;
  std::vector<std::string> class_names;   ///< [C] in the order of the outputs; empty = values
  std::string label_kind = "class";       ///< class | value | labels | values (hardy/corpus.h)
  std::vector<std::string> target_names;  ///< [T] of labels and values, in the order of the outputs
  EncoderConfig encoder;                  ///< shape of the network
  bool mixes_experts = false;    ///< each modality passes the experts of all, summed (MoMKE)
  bool reads_tuned = false;      ///< scaled features pass the tuning nets of the file first
  bool limits_features = false;  ///< scaled features are clipped to a range stored in the file
  std::vector<Calibration> calibrations;     ///< at most one per pattern
  std::vector<CoverageScores> coverage;      ///< at most one per pattern; older models: none
  std::vector<BundleScore> scores;           ///< per part and pattern
  std::string data_name;                     ///< Corpus::name of the training corpus
  std::string data_checksum;                 ///< SHA-256 of the corpus
  bool is_synthetic = false;                 ///< Corpus::is_synthetic of the training corpus
  std::vector<std::int64_t> test_dialogues;  ///< held-out dialogues of that corpus
  /// Marks (seen_mark) of the ids of the dialogues and utterances that trained or selected the
  /// model, and of those dialogues' features, sorted; they must not be scored. Empty = unknown.
  std::vector<std::int64_t> seen;
  std::string program_version;  ///< of the hardy that wrote it
  std::string config_toml;      ///< all settings of the run; empty when converted

  /// Whether an utterance gets one of several classes.
  [[nodiscard]] bool is_classification() const { return !class_names.empty(); }

  /// Width of an output row: C for classes, T for labels and values, 1 for a value.
  [[nodiscard]] std::int64_t outputs() const {
    if (!target_names.empty()) return static_cast<std::int64_t>(target_names.size());
    return is_classification() ? static_cast<std::int64_t>(class_names.size()) : 1;
  }

  /// [M] in the order of `modalities`.
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

/// The mark of a dialogue, an utterance or features (`what`: "dialogue", "utterance", "features")
/// in BundleInfo::seen: the first 64 bits of a SHA-256, so that a model does not disclose ids.
std::int64_t seen_mark(std::string_view what, std::string_view id);

/// Writes the description to the metadata of `file`, `info.seen` and `info.coverage` to its arrays.
void set_bundle_info(TensorFile& file, const BundleInfo& info);

/// Reads the description of a bundle; format 1 takes widths from the arrays. `name` stands for the
/// file in messages. Throws ArtifactError when a field is missing or damaged, the format is newer
/// than this program, or the method is unknown to it.
BundleInfo read_bundle_info(const TensorFileView& file, const std::string& name);

}  // namespace hardy
