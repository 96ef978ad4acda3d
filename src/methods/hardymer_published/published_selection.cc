#include "methods/hardymer_published/published_selection.h"

#include "hardy/metrics.h"

namespace hardy {
namespace {

double test_result(const FoldData& data, const std::vector<std::int64_t>& utterances,
                   const std::vector<float>& outputs) {
  const Corpus& corpus = *data.corpus;
  const bool is_binary = !corpus.values.empty();
  if (!is_binary && data.objective->is_classification()) {
    return data.objective->accuracy(corpus, utterances, outputs, false);
  }
  std::vector<float> truth;
  for (const auto i : utterances) {
    const auto u = static_cast<std::size_t>(i);
    truth.push_back(is_binary ? corpus.values[u] : corpus.utterances[u].label);
  }
  return is_binary ? binary_sentiment_metrics(truth, outputs).weighted_f1
                   : sentiment_metrics(truth, outputs).weighted_f1;
}

}  // namespace

double test_value(const FoldData& data, const std::vector<Pattern>& patterns,
                  const PredictTest& predict) {
  const auto utterances = utterances_of(*data.corpus, data.fold.test);
  double total = 0;
  for (const auto pattern : patterns) total += test_result(data, utterances, predict(pattern));
  return -total / static_cast<double>(patterns.size());
}

}  // namespace hardy
