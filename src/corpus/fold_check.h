// What keeps a fold from being trained on.
#pragma once

#include <utility>
#include <vector>

#include "hardy/errors.h"
#include "hardy/reading.h"
#include "hardy/split.h"

namespace hardy {

/// A reason for refusing that is a finding of the data.
class FoldProblem : public DataError {
 public:
  explicit FoldProblem(Finding finding);

  [[nodiscard]] const Finding& finding() const { return finding_; }

 private:
  Finding finding_;
};

/// Empty parts; parts without a label; classes and modalities that the training part lacks.
std::vector<Finding> check_fold(const Corpus& corpus, const Fold& fold, bool is_official);

}  // namespace hardy
