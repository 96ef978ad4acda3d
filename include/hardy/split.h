/// @file
/// Folds: dialogues for training, for validation (selection of epochs) and for the final test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardy/config.h"
#include "hardy/corpus.h"
#include "hardy/load.h"

namespace hardy {

/// One fold. Dialogue indices, ascending; the three parts are disjoint.
struct Fold {
  int index = 0;                         ///< 0-based
  std::string name;                      ///< "official", the test group ("Ses05"), or "3/5"
  std::vector<std::int64_t> train;       ///< indices into Corpus::dialogues
  std::vector<std::int64_t> validation;  ///< selects epochs and calibrates; never empty
  std::vector<std::int64_t> test;        ///< read once, by the final evaluation
};

/// The folds of `protocol`.
///
/// Splits: `official` (train / validation / test marks of the corpus; one fold), `group`
/// (leave-one-group-out: one fold per group, in sorted order), `kfold` (dialogues dealt at random
/// to `folds` parts, stratified by size; dialogues that share speakers stay together when that
/// gives parts of about equal size), `auto` = official if the corpus has test marks, else group if
/// it has at least 2 groups, else kfold.
/// Validation: `official` marks; `group` (one training group held out, so that its speakers are
/// new: the next group in order, cyclically); `dialogue` (`validation_share` of the training
/// utterances by whole dialogues, speakers kept apart when every speaker's dialogues can be);
/// `auto` = official if the split is official and has such marks, else group if the training side
/// has >= 2 groups, else dialogue. The draw depends on `split_seed` only, never on a training seed.
/// Throws DataError when a part is empty or a class has no training utterance, ConfigError when the
/// corpus lacks the marks or groups of the split.
std::vector<Fold> make_folds(const Corpus& corpus, const ProtocolConfig& protocol);

/// Every reason why make_folds refuses, and peculiarities of its folds. A split that is impossible
/// altogether is one finding.
std::vector<Finding> check_folds(const Corpus& corpus, const ProtocolConfig& protocol);

/// Divides dialogues into at most `parts` parts of about equal size, at least two unless there is
/// one dialogue only; speakers are kept apart when that gives as many balanced parts.
/// `seed`: of the draw. Each part ascending.
std::vector<std::vector<std::int64_t>> divide_dialogues(const Corpus& corpus,
                                                        const std::vector<std::int64_t>& dialogues,
                                                        std::int64_t parts, std::int64_t seed);

/// The dialogues of the training and validation parts, ascending.
std::vector<std::int64_t> known_dialogues(const Fold& fold);

/// The utterances of the given dialogues, in corpus order.
std::vector<std::int64_t> utterances_of(const Corpus& corpus,
                                        const std::vector<std::int64_t>& dialogues);

}  // namespace hardy
