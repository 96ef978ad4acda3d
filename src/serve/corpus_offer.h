// Utterances that the playground offers for selection.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/corpus.h"
#include "hardy/recogniser.h"

namespace hardy {

/// A corpus whose features fit a model. Immutable.
class CorpusOffer {
 public:
  /// Throws DataError when the folder contains no corpus, or none of its modalities fits.
  CorpusOffer(const std::string& folder, const BundleInfo& info);

  /// Dialogues with their number of utterances.
  [[nodiscard]] nlohmann::ordered_json dialogues_json() const;

  /// The utterances of a dialogue: ids, speakers, transcripts, labels, modalities. Null JSON for an
  /// unknown dialogue.
  [[nodiscard]] nlohmann::ordered_json dialogue_json(const std::string& id) const;

  /// The ids of its utterances, in order; empty for an unknown dialogue.
  [[nodiscard]] std::vector<std::string> ids(const std::string& id) const;

  /// The dialogue as input; empty for an unknown dialogue.
  [[nodiscard]] std::vector<UtteranceView> utterances(const std::string& id) const;

 private:
  [[nodiscard]] const Dialogue* find(const std::string& id) const;

  BundleInfo info_;
  Corpus corpus_;
  std::vector<int> modality_of_;  ///< [M of the model] index in the corpus, -1 = absent
};

}  // namespace hardy
