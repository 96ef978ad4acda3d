/// @file
/// The in-memory form of a corpus: the result of every reader, the input of every stage.
///
/// Letters used in shapes throughout the project: N utterances, M modalities, d_m width of modality
/// m, C classes, K neighbours, D hidden width, B dialogues of a batch.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hardy/feature_array.h"
#include "hardy/modality.h"

namespace hardy {

/// Kinds of labels.
enum class LabelKind {
  kClass,   ///< an index into Corpus::class_names
  kValue,   ///< a real value, e.g. a sentiment in [-3, 3]
  kLabels,  ///< several emotions at once: each of Corpus::target_names is present (1) or not (0)
  kValues   ///< several values, e.g. valence, arousal and dominance: Corpus::target_names
};

/// Largest magnitude of a feature; sums of squares of larger values overflow float32.
inline constexpr float kLargestFeature = 1e18F;

/// "class", "value", "labels", "values", as model files store it.
const char* label_kind_name(LabelKind kind);

/// Parts of the official split; kNone when the corpus has none.
enum class Part : std::uint8_t { kNone, kTrain, kValidation, kTest };

/// "train", "validation", "test"; empty for kNone.
const char* part_name(Part part);

/// One modality of a corpus: its features, utterance by utterance.
struct ModalityData {
  std::string name;                   ///< unique, non-empty, e.g. "acoustic"
  std::int64_t width = 0;             ///< d_m >= 1
  FeatureArray features;              ///< [N, d_m] row-major; zeros where absent
  std::vector<std::uint8_t> present;  ///< [N]; 0 = really missing in the data
  std::string maker = {};             ///< extractor that made the features; empty = unknown

  /// Features of one utterance. Shapes: -> [d_m]. Requires: 0 <= utterance < N.
  [[nodiscard]] std::span<const float> row(std::int64_t utterance) const {
    return {features.data() + utterance * width, static_cast<std::size_t>(width)};
  }
};

/// Metadata of an utterance; its features are in Corpus::modalities.
struct Utterance {
  std::string id;         ///< unique in the corpus
  std::int64_t dialogue;  ///< index into Corpus::dialogues
  std::int64_t position;  ///< index within its dialogue, 0-based
  std::string speaker;    ///< unique in the corpus, e.g. "Ses01_F"; empty when unknown
  /// Class index or value, by Corpus::label_kind; 0 for kLabels and kValues. NaN = not labelled:
  /// the utterance gives context and is predicted, but neither trained on nor scored.
  float label = 0;
  std::string transcript;  ///< empty when unknown

  /// Whether `label` is a number.
  [[nodiscard]] bool is_labelled() const { return !std::isnan(label); }
};

/// A run of consecutive utterances.
struct Dialogue {
  std::string id;           ///< unique in the corpus
  std::int64_t first = 0;   ///< index of its first utterance
  std::int64_t count = 0;   ///< >= 1
  std::string group;        ///< e.g. the recording session; empty when unknown
  Part part = Part::kNone;  ///< its part of the official split
};

/// A whole corpus. Invariants (validate_corpus): utterances are stored dialogue by dialogue in
/// order of position; every array of a modality has N rows; ids are unique; features are finite and
/// at most kLargestFeature; labels are finite or NaN.
struct Corpus {
  std::string name;                          ///< e.g. "IEMOCAP-4"
  bool is_synthetic = false;                 ///< drawn by a generator; every report says so
  LabelKind label_kind = LabelKind::kClass;  ///< decides which of the label fields are filled
  std::vector<std::string> class_names;      ///< [C]; empty for values
  std::vector<ModalityData> modalities;      ///< [M]
  std::vector<Utterance> utterances;         ///< [N]
  std::vector<Dialogue> dialogues;           ///< in the order of their utterances
  /// [N] in [0,1], difficulty of each utterance by construction; empty for real data.
  std::vector<float> true_difficulty;
  /// [N] the real values behind the two classes of a corpus read with task = binary; empty
  /// otherwise. An utterance whose value is exactly 0 is neither: it is context, no training
  /// target, not scored.
  std::vector<float> values;
  /// Layout of its files and reduction of sequences, e.g. "MMSA pickle; sequences reduced to their
  /// mean over frames"; empty = unknown.
  std::string layout;
  std::vector<std::string> target_names;  ///< [T] for kLabels and kValues, else empty
  /// [N, T] row-major for kLabels and kValues; zeros where not labelled.
  std::vector<float> targets;
  /// [N, C] row-major: share of the raters that chose each class; zeros where not labelled. Only
  /// for kClass, where the label is the class of the largest share; empty = no ratings.
  std::vector<float> shares;
  std::string source;    ///< path or name, for messages and the manifest
  std::string checksum;  ///< SHA-256 over everything above that influences results

  /// N.
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(utterances.size()); }

  /// M.
  [[nodiscard]] int modality_count() const { return static_cast<int>(modalities.size()); }

  /// C; 0 unless the labels are classes.
  [[nodiscard]] std::int64_t class_count() const {
    return static_cast<std::int64_t>(class_names.size());
  }

  /// T; 0 unless there are several labels or values.
  [[nodiscard]] std::int64_t target_count() const {
    return static_cast<std::int64_t>(target_names.size());
  }

  /// [M] in the order of `modalities`.
  [[nodiscard]] std::vector<std::string> modality_names() const;

  /// The modalities that utterance `i` has in the data.
  [[nodiscard]] Pattern present_pattern(std::int64_t i) const;

  /// Whether utterance `i` counts in a score under `condition`: it is labelled and has at least one
  /// of the available modalities.
  [[nodiscard]] bool is_scored(std::int64_t i, Pattern condition) const {
    return utterances[static_cast<std::size_t>(i)].is_labelled() &&
           !(present_pattern(i) & condition).empty();
  }
};

/// Throws DataError naming the first broken invariant, with the utterance or modality and a remedy.
void validate_corpus(const Corpus& corpus);

/// The same without looking at the features themselves.
void validate_outline(const Corpus& corpus);

/// SHA-256 over features, presence, ids, dialogues, speakers, groups, parts and labels (transcripts
/// and names of the source do not count). Readers store it in Corpus::checksum.
std::string corpus_checksum(const Corpus& corpus);

/// Throws DataError when a file that the corpus reads its features from was changed meanwhile.
void require_unchanged(const Corpus& corpus);

}  // namespace hardy
