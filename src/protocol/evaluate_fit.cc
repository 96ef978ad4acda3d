#include "protocol/evaluate_fit.h"

#include <algorithm>
#include <utility>

#include "hardy/split.h"

namespace hardy {
namespace {

/// The outputs of some of the utterances. Requires: all of them are in `whole`, both ascending.
Evaluation part_of(const Evaluation& whole, std::vector<std::int64_t> utterances) {
  const auto width = static_cast<std::ptrdiff_t>(whole.outputs.size() / whole.utterances.size());
  Evaluation part{whole.condition, std::move(utterances), {}};
  auto found = whole.utterances.begin();
  for (const auto utterance : part.utterances) {
    found = std::lower_bound(found, whole.utterances.end(), utterance);
    const auto first = whole.outputs.begin() + width * (found - whole.utterances.begin());
    part.outputs.insert(part.outputs.end(), first, first + width);
  }
  return part;
}

}  // namespace

void evaluate_fit(const FittedModel& model, const FoldData& data, const Condition& condition,
                  bool with_test, FitOutcome& outcome) {
  const auto add = [&](const std::vector<std::int64_t>& dialogues, std::vector<float> outputs,
                       std::vector<Evaluation>& list) {
    list.push_back({condition, utterances_of(*data.corpus, dialogues), std::move(outputs)});
  };
  const auto predicted = [&](const std::vector<std::int64_t>& dialogues) {
    return model.method.predict(data, model.config, model.arrays, dialogues, condition.pattern);
  };
  if (with_test) add(data.fold.test, predicted(data.fold.test), outcome.test);
  const auto& validation = data.fold.validation;
  const auto known = known_dialogues(data.fold);
  auto answers = model.fold.held_out(data, model.arrays, known, condition.pattern);
  if (!answers) {
    if (!validation.empty()) add(validation, predicted(validation), outcome.validation);
    return;
  }
  add(known, std::move(*answers), outcome.held_out);
  if (validation.empty()) return;
  outcome.validation.push_back(
      part_of(outcome.held_out.back(), utterances_of(*data.corpus, validation)));
}

std::vector<FitOutcome> on_validation(std::vector<FitOutcome> outcomes) {
  for (auto& outcome : outcomes) {
    outcome.test = std::move(outcome.validation);
    outcome.calibrations.reset();  // they were fitted on it
  }
  return outcomes;
}

}  // namespace hardy
