// Obstacles to training on a corpus: the one list that `hardy data check` prints and by which
// `hardy run` refuses.
#include <algorithm>
#include <iterator>

#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/split.h"

namespace hardy {

std::vector<Finding> check_training(const Corpus& corpus, const ProtocolConfig& protocol) {
  auto findings = check_contents(corpus);
  if (corpus.utterances.empty()) return findings;
  auto of_folds = check_folds(corpus, protocol);
  std::move(of_folds.begin(), of_folds.end(), std::back_inserter(findings));
  return findings;
}

void require_trainable(const Corpus& corpus, const ProtocolConfig& protocol) {
  (void)take_sound_corpus({Corpus{}, check_contents(corpus)});
  (void)make_folds(corpus, protocol);
}

}  // namespace hardy
