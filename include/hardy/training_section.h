/// @file
/// The optional part of a bundle for explanations: a fold's training utterances with their scaled
/// features, labels and hardness. `hardy bundle add-training` adds it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/modality.h"

namespace hardy {

/// Hardness of one utterance under one pattern (paper Eq. 2-10).
struct HardnessParts {
  double direct = 0;    ///< reconstruction error
  double indirect = 0;  ///< sum of the pairs' pseudo mutual information, on complete input
  double score = 0;     ///< the unified score, in (0, 1]
};

/// The contents to write; TrainingSection reads them.
struct TrainingRecords {
  std::vector<std::string> ids;              ///< [N]
  std::vector<std::string> dialogues;        ///< [N]
  std::vector<std::string> transcripts;      ///< [N], empty when unknown
  std::vector<float> labels;                 ///< [N] class index or value
  std::vector<Pattern> present;              ///< [N]
  std::vector<std::vector<float>> features;  ///< [M] of [N, d_m], scaled
  std::vector<bool> is_cosine;               ///< [M] cosine similarity instead of L2 distance
  std::vector<Pattern> patterns;             ///< [P] patterns with a measured hardness
  std::vector<std::vector<float>> direct;    ///< [P] of [N]
  std::vector<float> indirect;               ///< [N]
  std::vector<std::vector<float>> score;     ///< [P] of [N]
};

/// Adds the training section to a bundle's arrays and metadata. `info` gives modalities and widths.
void add_training_section(TensorFile& file, const BundleInfo& info, TrainingRecords records);

/// A training utterance that resembles the query.
struct TrainingNeighbour {
  std::int64_t row = 0;  ///< index into the training section
  double distance = 0;   ///< mean Euclidean distance over the modalities both have, scaled units
};

/// Views into a bundle. Immutable; the bundle must outlive it. Every `row` is in [0, size()).
class TrainingSection {
 public:
  /// Whether the bundle has a training section.
  static bool exists(const TensorFileView& file);

  /// Throws ArtifactError when an array is missing or of another size.
  TrainingSection(const TensorFileView& file, const BundleInfo& info);

  /// N, the number of training utterances.
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(ids_.size()); }

  /// Utterance::id.
  [[nodiscard]] const std::string& id(std::int64_t row) const { return ids_[place(row)]; }

  /// Dialogue::id of the utterance.
  [[nodiscard]] const std::string& dialogue(std::int64_t row) const {
    return dialogues_[place(row)];
  }

  /// Empty when unknown.
  [[nodiscard]] const std::string& transcript(std::int64_t row) const {
    return transcripts_[place(row)];
  }

  /// Class index or value.
  [[nodiscard]] float label(std::int64_t row) const { return labels_[place(row)]; }

  /// The scaled features of a row. Shapes: -> [d_m].
  [[nodiscard]] std::span<const float> features(std::size_t m, std::int64_t row) const;

  /// The modalities that the utterance has.
  [[nodiscard]] Pattern present(std::int64_t row) const {
    return Pattern(static_cast<std::uint32_t>(present_[place(row)]));
  }

  /// Hardness under a pattern (paper Eq. 2-10), written to `parts`. Returns false, and leaves
  /// `parts` unchanged, when it was not measured.
  [[nodiscard]] bool hardness(std::int64_t row, Pattern pattern, HardnessParts& parts) const;

  /// The k nearest training utterances, nearest first (paper Eq. 17): union of the top k of each
  /// available modality, ranked by the mean Euclidean distance over the modalities that both have;
  /// ties by row. Shapes: query [M] of [d_m] scaled, null where not available; -> at most k.
  [[nodiscard]] std::vector<TrainingNeighbour> nearest(std::span<const float* const> query,
                                                       std::size_t k) const;

 private:
  static std::size_t place(std::int64_t row) { return static_cast<std::size_t>(row); }

  std::vector<std::string> ids_;
  std::vector<std::string> dialogues_;
  std::vector<std::string> transcripts_;
  std::vector<bool> is_cosine_;
  std::vector<std::int64_t> widths_;
  std::vector<std::span<const float>> features_;
  std::span<const float> labels_;
  std::span<const std::int64_t> present_;
  std::span<const std::int64_t> patterns_;
  std::span<const float> direct_;
  std::span<const float> indirect_;
  std::span<const float> score_;
};

}  // namespace hardy
