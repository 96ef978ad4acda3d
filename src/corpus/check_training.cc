// Obstacles to training on a corpus: the one list that `hardy data check` prints and by which
// `hardy run` refuses.
#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hardy/errors.h"
#include "hardy/load.h"
#include "hardy/method_settings.h"
#include "hardy/split.h"

namespace hardy {
namespace {

/// Methods for missing modalities have nothing to learn from a single one.
void check_single_modality(const Corpus& corpus, const std::string& method,
                           std::vector<Finding>& findings) {
  if (corpus.modality_count() != 1) return;
  const auto& declared = declared_method(method);
  const auto what = fmt::format("'{}' is its only modality", corpus.modalities[0].name);
  if (declared.takes_one_modality) {
    findings.push_back({Severity::kNote, "one-modality", corpus.source, what,
                        "nothing: it is trained and tested with it alone", false});
    return;
  }
  std::vector<std::string> names;
  for (const auto& each : declared_methods()) {
    if (each.takes_one_modality) names.push_back(each.name);
  }
  findings.push_back(
      {Severity::kError, "one-modality", corpus.source,
       fmt::format("{}, and {} learns from missing modalities", what, declared.title),
       fmt::format("add another one, or choose --method {}", fmt::join(names, ", ")), false});
}

}  // namespace

std::vector<Finding> check_training(const Corpus& corpus, const ProtocolConfig& protocol) {
  auto findings = check_contents(corpus);
  check_single_modality(corpus, protocol.method, findings);
  if (corpus.utterances.empty()) return findings;
  auto of_folds = check_folds(corpus, protocol);
  std::move(of_folds.begin(), of_folds.end(), std::back_inserter(findings));
  return findings;
}

void require_trainable(const Corpus& corpus, const ProtocolConfig& protocol) {
  auto findings = check_contents(corpus);
  check_single_modality(corpus, protocol.method, findings);
  (void)take_sound_corpus({Corpus{}, std::move(findings)});
  (void)make_folds(corpus, protocol);
}

}  // namespace hardy
