#include "train/fold_data.h"

#include <utility>

namespace hardy {

FoldData make_fold_data(const Corpus& corpus, const FeatureTable& features, const Fold& fold,
                        std::shared_ptr<const Objective> objective) {
  FoldData data;
  data.corpus = &corpus;
  data.fold = fold;
  data.train = utterances_of(corpus, fold.train);
  data.scaling = fit_scaling(features, data.train);
  data.table = apply_scaling(features, data.scaling);
  data.objective = std::move(objective);
  data.train_rows.assign(static_cast<std::size_t>(corpus.size()), -1);
  for (std::size_t i = 0; i < data.train.size(); ++i) {
    data.train_rows[static_cast<std::size_t>(data.train[i])] = static_cast<std::int64_t>(i);
  }
  return data;
}

}  // namespace hardy
