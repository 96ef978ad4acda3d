// Ragged dialogues packed row after row, with only the available modalities: the input of modules.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/modality.h"
#include "nn/feature_rows.h"
#include "nn/ops.h"

namespace hardy {

/// Features of a whole corpus on a device.
struct FeatureTable {
  std::vector<FeatureRows> features;   ///< [M] of [N, d_m] float32; zero rows where absent
  std::vector<Pattern> present;        ///< [N] what each utterance really has
  std::vector<std::int64_t> speakers;  ///< [N] number of the speaker in the corpus, -1 = unknown

  [[nodiscard]] int modality_count() const { return static_cast<int>(features.size()); }

  [[nodiscard]] std::vector<std::int64_t> widths() const;
};

/// The unscaled corpus. On the CPU a view: the corpus must outlive it.
FeatureTable make_feature_table(const Corpus& corpus, at::Device device);

/// One row of a batch.
struct BatchRow {
  std::int64_t utterance;  ///< index of the utterance whose features are read
  std::int64_t position;   ///< position in the dialogue
  std::int64_t speaker;    ///< speaker number
  Pattern pattern;         ///< upper bound on its modalities; absent ones are dropped in addition
};

/// Rows of several dialogues, dialogue after dialogue.
struct BatchPlan {
  std::vector<BatchRow> rows;
  std::vector<std::int64_t> offsets = {0};  ///< [B+1] first row of each dialogue

  /// Appends a dialogue's utterances under one pattern.
  void add_dialogue(const Corpus& corpus, const FeatureTable& table, std::int64_t dialogue,
                    Pattern pattern);

  /// Ends a dialogue whose rows were appended individually.
  void close_dialogue() { offsets.push_back(static_cast<std::int64_t>(rows.size())); }
};

/// The rows of a batch that have one modality.
struct ModalityRows {
  at::Tensor inputs;       ///< [n_m, d_m]
  at::Tensor index;        ///< [n_m] int64, the batch rows; undefined when it is every row
  Segments segments;       ///< the dialogues among these rows
  std::int64_t count = 0;  ///< n_m

  [[nodiscard]] bool covers_all() const { return count > 0 && !index.defined(); }
};

/// A packed batch of n rows.
struct Batch {
  std::int64_t rows = 0;
  at::Tensor utterances;                 ///< [n] int64, corpus indices
  std::vector<ModalityRows> modalities;  ///< [M]
};

Batch make_batch(const FeatureTable& table, const BatchPlan& plan);

/// Batch rows that lack modality m under their pattern although their utterance has it, i.e. whose
/// reconstruction has a known target. `everyone` adds the rows in which it is available.
std::vector<std::int64_t> rows_with_target(const FeatureTable& table, const BatchPlan& plan, int m,
                                           bool everyone);

at::Tensor index_tensor(const std::vector<std::int64_t>& values, at::Device device);

}  // namespace hardy
