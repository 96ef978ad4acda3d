#include "protocol/fold_shelf.h"

#include <torch/types.h>

namespace hardy {

FoldShelf::FoldShelf(const Corpus& corpus, const std::vector<Fold>& folds, at::Device device)
    : corpus_(corpus),
      folds_(folds),
      table_(make_feature_table(corpus, device)),
      objective_(std::make_shared<Objective>(corpus, device)),
      slots_(folds.size()) {}

std::shared_ptr<const FoldData> FoldShelf::data(int fold) {
  Slot& slot = slot_of(fold);
  const std::lock_guard lock(slot.mutex);
  if (!slot.data) {
    slot.data = std::make_shared<FoldData>(
        make_fold_data(corpus_, table_, folds_[static_cast<std::size_t>(fold)], objective_));
  }
  return slot.data;
}

void FoldShelf::end_task(int fold) {
  Slot& slot = slot_of(fold);
  const std::lock_guard lock(slot.mutex);
  if (--slot.tasks_left == 0) slot.data.reset();
}

}  // namespace hardy
