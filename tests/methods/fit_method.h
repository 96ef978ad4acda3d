// Fits a method on one fold without the protocol around it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "methods/method.h"

namespace hardy::test {

/// A corpus of 3 sessions with 3 dialogues of 8 to 14 utterances; `modalities` of width 20.
/// `has_values` turns classes into values in [-3, 3].
Corpus method_corpus(int modalities, bool has_values = false, double missing_rate = 0);

/// The quick preset with everything small and few epochs, for one method.
Config method_config(const std::string& method);

/// Fold 0 of a corpus with everything a method needs. Has no cache on disk.
class MethodOnFold {
 public:
  MethodOnFold(const Corpus& corpus, const Config& config);

  /// Runs shared stages and one fit.
  TensorFile fit(const std::vector<Pattern>& patterns);

  [[nodiscard]] std::vector<float> predict(const TensorFile& model,
                                           const std::vector<std::int64_t>& dialogues,
                                           Pattern pattern) const {
    return method_.predict(data, config, model, dialogues, pattern);
  }

  const Corpus& corpus;
  Config config;
  FoldData data;

 private:
  const Method& method_;
};

/// The utterances of some dialogues, with all seven patterns of three modalities in turn.
BatchPlan mixed_plan(const MethodOnFold& on_fold, const std::vector<std::int64_t>& dialogues);

/// Adds the example method of docs/adding_a_method.md to this program; may be called repeatedly.
void add_tiny();

}  // namespace hardy::test
