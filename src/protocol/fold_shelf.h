// The data of a protocol's folds, in memory only while tasks use it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "hardy/corpus.h"
#include "hardy/split.h"
#include "train/fold_data.h"

namespace hardy {

/// Makes a fold's data when its first task requests it and releases it when its last one ends, so
/// that memory holds the folds in progress only. Requires: corpus and folds outlive it. Safe from
/// several threads once every task is announced.
class FoldShelf {
 public:
  FoldShelf(const Corpus& corpus, const std::vector<Fold>& folds, at::Device device);

  /// Announces one more task of the fold.
  void announce_task(int fold) { ++slot_of(fold).tasks_left; }

  /// The fold's data; concurrent callers share one object.
  std::shared_ptr<const FoldData> data(int fold);

  /// Ends an announced task.
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
