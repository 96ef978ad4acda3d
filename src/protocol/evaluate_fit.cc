#include "protocol/evaluate_fit.h"

#include <utility>

#include "hardy/split.h"

namespace hardy {

void evaluate_fit(const FittedModel& model, const FoldData& data, const Condition& condition,
                  bool with_test, FitOutcome& outcome) {
  const auto add = [&](const std::vector<std::int64_t>& dialogues, std::vector<float> outputs,
                       std::vector<Evaluation>& list) {
    list.push_back({condition, utterances_of(*data.corpus, dialogues), std::move(outputs)});
  };
  const auto predicted = [&](const std::vector<std::int64_t>& dialogues) {
    return model.method.predict(data, model.config, model.arrays, dialogues, condition.pattern);
  };
  const auto held_out = [&](const std::vector<std::int64_t>& dialogues) {
    return model.fold.held_out(data, model.arrays, dialogues, condition.pattern);
  };
  if (with_test) add(data.fold.test, predicted(data.fold.test), outcome.test);
  const auto& validation = data.fold.validation;
  const auto known = known_dialogues(data.fold);
  auto answers = held_out(known);
  if (answers) add(known, std::move(*answers), outcome.held_out);
  if (validation.empty()) return;
  auto own = held_out(validation);
  add(validation, own ? std::move(*own) : predicted(validation), outcome.validation);
}

std::vector<FitOutcome> on_validation(std::vector<FitOutcome> outcomes) {
  for (auto& outcome : outcomes) {
    outcome.test = std::move(outcome.validation);
    outcome.calibrations.reset();  // they were fitted on it
  }
  return outcomes;
}

}  // namespace hardy
