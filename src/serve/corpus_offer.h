// Utterances that the playground offers for selection.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/corpus.h"
#include "hardy/recogniser.h"

namespace hardy {

/// A corpus of which some modality fits a model. Immutable; the model may be replaced by one of
/// other widths, so every answer is made for the model that is asked.
class CorpusOffer {
 public:
  /// Throws DataError when the folder contains no corpus, or none of its modalities fits.
  CorpusOffer(const std::string& folder, const BundleInfo& info);

  /// Dialogues with their number of utterances.
  [[nodiscard]] nlohmann::ordered_json dialogues_json() const;

  /// The utterances of a dialogue: ids, speakers, transcripts, labels, modalities. Null JSON when
  /// there is no such dialogue.
  [[nodiscard]] nlohmann::ordered_json dialogue_json(const std::string& id,
                                                     const BundleInfo& info) const;

  /// Why modalities of the model are not offered, a text each: "acoustic is 74 wide, the model
  /// reads 512". Empty = all are.
  [[nodiscard]] std::vector<std::string> gaps(const BundleInfo& info) const;

  /// The ids of its utterances, in order; empty for an unknown dialogue.
  [[nodiscard]] std::vector<std::string> ids(const std::string& id) const;

  /// The dialogue as input of a model, without modalities of another width; empty when there is
  /// none of that name. The features stay the corpus's.
  [[nodiscard]] std::vector<UtteranceView> utterances(const std::string& id,
                                                      const BundleInfo& info) const;

 private:
  [[nodiscard]] const Dialogue* find(const std::string& id) const;

  [[nodiscard]] const ModalityData* find_modality(const std::string& name) const;
  [[nodiscard]] std::vector<const ModalityData*> fitting(const BundleInfo& info) const;

  Corpus corpus_;
};

}  // namespace hardy
