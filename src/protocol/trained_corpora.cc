#include "protocol/trained_corpora.h"

#include "protocol/masks.h"

namespace hardy {

std::vector<std::unique_ptr<TrainedCorpus>> make_trained_corpora(
    const Corpus& corpus, const std::vector<Fold>& folds, const ConditionPlan& plan,
    const std::vector<std::vector<Pattern>>& masks, at::Device device) {
  std::vector<std::unique_ptr<TrainedCorpus>> trained;
  if (trains_as_it_is(plan)) {
    trained.push_back(std::make_unique<TrainedCorpus>());
    trained.back()->corpus = &corpus;
  }
  for (std::size_t i = 0; has_own_models(plan) && i < plan.masks.size(); ++i) {
    trained.push_back(std::make_unique<TrainedCorpus>());
    trained.back()->masked = std::make_unique<Corpus>(masked_corpus(corpus, masks[i]));
    trained.back()->corpus = trained.back()->masked.get();
    trained.back()->spec = &plan.masks[i];
  }
  for (auto& one : trained) {
    one->shelf = std::make_unique<FoldShelf>(*one->corpus, folds, device);
  }
  return trained;
}

}  // namespace hardy
