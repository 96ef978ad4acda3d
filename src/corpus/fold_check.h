// Obstacles to training on a fold.
#pragma once

#include <utility>
#include <vector>

#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/split.h"

namespace hardy {

/// A refusal that is also a finding on the data.
class FoldProblem : public DataError {
 public:
  explicit FoldProblem(Finding finding);

  [[nodiscard]] const Finding& finding() const { return finding_; }

 private:
  Finding finding_;
};

/// Empty parts; parts without a label; classes and modalities without a training utterance.
std::vector<Finding> check_fold(const Corpus& corpus, const Fold& fold, bool is_official);

}  // namespace hardy
