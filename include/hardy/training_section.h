// The optional part of a bundle that explanations need: a fold's training utterances with their
// scaled features, labels and hardness (`hardy run --set run.explain=full`).
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

/// What is written; read back as TrainingSection.
struct TrainingRecords {
  std::vector<std::string> ids;              ///< [N]
  std::vector<std::string> dialogues;        ///< [N]
  std::vector<std::string> transcripts;      ///< [N], empty when unknown
  std::vector<float> labels;                 ///< [N] class index or value
  std::vector<Pattern> present;              ///< [N]
  std::vector<std::vector<float>> features;  ///< [M] of [N, d_m], scaled
  std::vector<bool> is_cosine;               ///< [M] how candidates are found; else L2
  std::vector<Pattern> patterns;             ///< [P] those with a hardness
  std::vector<std::vector<float>> direct;    ///< [P] of [N]
  std::vector<float> indirect;               ///< [N]
  std::vector<std::vector<float>> score;     ///< [P] of [N]
};

void add_training_section(TensorFile& file, const BundleInfo& info, TrainingRecords records);

/// A training utterance that resembles the query.
struct TrainingNeighbour {
  std::int64_t row = 0;
  double distance = 0;  ///< mean Euclidean distance over the modalities both have, scaled units
};

/// Views into a bundle. Immutable; the bundle must outlive it.
class TrainingSection {
 public:
  /// Whether the bundle has one.
  static bool exists(const TensorFileView& file);

  /// Throws ArtifactError when an array is missing or of another size.
  TrainingSection(const TensorFileView& file, const BundleInfo& info);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(ids_.size()); }

  [[nodiscard]] const std::string& id(std::int64_t row) const { return ids_[place(row)]; }

  [[nodiscard]] const std::string& dialogue(std::int64_t row) const {
    return dialogues_[place(row)];
  }

  [[nodiscard]] const std::string& transcript(std::int64_t row) const {
    return transcripts_[place(row)];
  }

  [[nodiscard]] float label(std::int64_t row) const { return labels_[place(row)]; }

  /// The scaled features of a row. Shapes: -> [d_m].
  [[nodiscard]] std::span<const float> features(std::size_t m, std::int64_t row) const;

  [[nodiscard]] Pattern present(std::int64_t row) const {
    return Pattern(static_cast<std::uint32_t>(present_[place(row)]));
  }

  /// Hardness under a pattern; null when it was not measured. The pointer's target lives as long as
  /// `parts`.
  [[nodiscard]] bool hardness(std::int64_t row, Pattern pattern, HardnessParts& parts) const;

  /// Paper Eq. 17 for a new utterance: union of the top k of each available modality, ranked by the
  /// mean Euclidean distance over the modalities that both have; the nearest k remain, ties by row.
  /// Shapes: query [M] of [d_m] scaled, null where not available.
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
