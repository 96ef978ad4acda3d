// How far the features of a corpus lie from those that a model was trained on, modality by
// modality (docs/transfer.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/corpus.h"
#include "hardy/tensor_file.h"

namespace hardy {

/// First and second moments of one modality's columns.
struct ColumnMoments {
  std::string modality;
  std::int64_t utterances = 0;   ///< they were taken from; 0 = unknown (a stored model)
  std::vector<double> mean;      ///< [d_m]
  std::vector<double> variance;  ///< [d_m] population variance; 0 = constant column
  std::vector<double> lowest;    ///< [d_m] clip range in the units of the features; empty = none
  std::vector<double> highest;   ///< [d_m]
};

/// Shift of one modality from a source to a target. NaN where it is not defined: no utterance of
/// the target, no column that varies, or no clip range.
struct ModalityShift {
  std::string modality;
  std::int64_t width = 0;
  std::int64_t utterances = 0;  ///< of the target
  /// Mean over columns of the standardised mean difference |m_t - m_s| / sqrt((v_s + v_t) / 2).
  double difference = 0;
  double shifted = 0;      ///< share of columns where it is above 0.1 (Austin 2009), in [0,1]
  double ratio = 0;        ///< geometric mean over columns of v_t / v_s
  double unequal = 0;      ///< share of columns where that ratio is outside [0.5, 2] (Rubin 2001)
  double clipped = 0;      ///< share of the target's values outside the clip range, in [0,1]
  std::int64_t fixed = 0;  ///< columns that are constant on either side; not counted above
};

/// Moments that a model stores of its training part. Throws ArtifactError when an array is absent.
std::vector<ColumnMoments> stored_moments(const TensorFileView& file, const BundleInfo& info);

/// Moments of a corpus over the utterances that have each modality.
std::vector<ColumnMoments> moments_of(const Corpus& corpus);

/// Shift of a corpus from `source`, in the order of `source`. Requires: the modalities of the
/// corpus are those of `source`, in order (corpus/match_model.h).
std::vector<ModalityShift> feature_shift(const std::vector<ColumnMoments>& source,
                                         const Corpus& target);

/// A table of at most 80 columns.
std::string shift_text(const std::vector<ModalityShift>& shifts);

/// One object with a list `modalities`; what is not defined is null.
std::string shift_json(const std::vector<ModalityShift>& shifts, const std::string& source,
                       const std::string& target);

}  // namespace hardy
