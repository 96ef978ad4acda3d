// The data of a protocol's folds, in memory only while they are worked on.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/split.h"
#include "train/fold_data.h"

namespace hardy {

/// Makes a fold's data when its first task asks for it and gives it back when its last one has
/// ended, so that memory holds the folds being worked on and not all of them. Corpus and folds must
/// outlive it. Safe from several threads once every task is announced.
class FoldShelf {
 public:
  FoldShelf(const Corpus& corpus, const std::vector<Fold>& folds, at::Device device);

  /// One more task will use the fold.
  void announce_task(int fold) { ++slot_of(fold).tasks_left; }

  /// The fold's data, the same object for all who hold it at one time.
  std::shared_ptr<const FoldData> data(int fold);

  /// An announced task has ended.
  void end_task(int fold);

 private:
  struct Slot {
    std::mutex mutex;
    std::shared_ptr<const FoldData> data;
    int tasks_left = 0;
  };

  Slot& slot_of(int fold) { return slots_[static_cast<std::size_t>(fold)]; }

  const Corpus& corpus_;
  const std::vector<Fold>& folds_;
  FeatureTable table_;
  std::shared_ptr<const Objective> objective_;
  std::vector<Slot> slots_;
};

}  // namespace hardy
