// Dialogues of a corpus that neither trained nor selected a model: what may be scored.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/corpus.h"

namespace hardy {

/// What a model keeps of its training and validation dialogues, so that they are known again: marks
/// of their ids, of their utterances' ids, and of their features in each modality, sorted.
std::vector<std::int64_t> seen_marks(const Corpus& corpus,
                                     const std::vector<std::int64_t>& dialogues);

/// What several models say about a corpus other than their own, once for all of them.
class OverlapNotes {
 public:
  /// `left_out` of `dialogues` were seen by a model; without `is_known` it does not say.
  void add(std::int64_t left_out, std::int64_t dialogues, bool is_known);

  [[nodiscard]] std::vector<std::string> texts() const;

 private:
  std::vector<std::int64_t> left_out_;
  std::int64_t dialogues_ = 0;
  std::int64_t unknown_ = 0;
};

/// The dialogues to score: of the model's own corpus the test part of its fold, of another one
/// those that neither trained nor chose the model. Those are known by the id of the dialogue or of
/// one of its utterances, or by features that are the same in every modality that both have; a lone
/// utterance by those of two modalities at least, because a short text is often said again. Throws
/// ArtifactError when the model's own corpus was changed, DataError when nothing is left.
std::vector<std::int64_t> unseen_dialogues(const BundleInfo& info, const Corpus& corpus,
                                           OverlapNotes& notes);

}  // namespace hardy
