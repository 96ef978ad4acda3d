// Generated fits and run folders for tests of their readers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "analysis/intervals.h"
#include "analysis/results_json.h"
#include "analysis/results_text.h"
#include "hardy/corpus.h"
#include "hardy/results.h"
#include "pipeline/run_folder.h"

namespace hardy::test {

inline constexpr std::int64_t kMadeDialogues = 24;

/// 24 dialogues of 4 utterances, classes calm and angry in turn, modalities acoustic and textual.
inline Corpus made_corpus() {
  Corpus corpus;
  corpus.name = "made";
  corpus.is_synthetic = true;
  corpus.class_names = {"calm", "angry"};
  for (std::int64_t d = 0; d < kMadeDialogues; ++d) {
    corpus.dialogues.push_back({fmt::format("d{:02}", d), 4 * d, 4, "", Part::kNone});
    for (std::int64_t u = 0; u < 4; ++u) {
      corpus.utterances.push_back({fmt::format("d{:02}u{}", d, u), d, u, "",
                                   static_cast<float>((d + u) % 2), fmt::format("text {}", u)});
    }
  }
  for (const char* name : {"acoustic", "textual"}) {
    corpus.modalities.push_back({name, 1, std::vector<float>(4 * kMadeDialogues, 1.0F),
                                 std::vector<std::uint8_t>(4 * kMadeDialogues, 1)});
  }
  corpus.source = "made by a test";
  corpus.checksum = std::string(64, 'c');
  return corpus;
}

/// Fit and condition of a prediction.
struct MadeFit {
  int fold = 0;
  std::int64_t seed = 0;
  Pattern pattern;
};

/// Unified models of two folds (dialogues 0..11 and 12..23) under every condition; `is_hit` selects
/// the correct predictions.
inline std::vector<FitOutcome> hit_outcomes(
    const std::function<bool(const MadeFit&, std::int64_t utterance)>& is_hit,
    const std::vector<std::int64_t>& seeds) {
  std::vector<FitOutcome> outcomes;
  const Corpus corpus = made_corpus();
  for (int fold = 0; fold < 2; ++fold) {
    for (const std::int64_t seed : seeds) {
      FitOutcome outcome;
      outcome.track = "unified";
      outcome.trained = Pattern::complete(2);
      outcome.fold = fold;
      outcome.seed = seed;
      for (const Pattern pattern : all_patterns(2)) {
        Evaluation evaluation;
        evaluation.condition = pattern;
        for (std::int64_t i = 48 * fold; i < 48 * (fold + 1); ++i) {
          const bool is_calm = corpus.utterances[static_cast<std::size_t>(i)].label == 0;
          const bool says_calm = is_hit({fold, seed, pattern}, i) == is_calm;
          evaluation.utterances.push_back(i);
          evaluation.outputs.push_back(says_calm ? 0.75F : 0.25F);
          evaluation.outputs.push_back(says_calm ? 0.25F : 0.75F);
        }
        outcome.test.push_back(evaluation);
      }
      for (std::int64_t epoch = 1; epoch <= 3; ++epoch) {
        const double loss = 1.0 / static_cast<double>(epoch + fold);
        outcome.curve.push_back({"recogniser.patterns", epoch, "train_loss", loss});
        outcome.curve.push_back({"recogniser.patterns", epoch, "validation_loss", loss + 0.25});
      }
      outcomes.push_back(outcome);
    }
  }
  return outcomes;
}

/// A finished run folder of these fits.
inline RunFolder make_run(const std::filesystem::path& folder,
                          const std::vector<FitOutcome>& outcomes, const Config& config = {}) {
  const Corpus corpus = made_corpus();
  const std::vector<std::string> folds = {"1/2", "2/2"};
  const RunFolder run =
      RunFolder::create(folder, make_manifest("run", config, corpus, folds), ExistingRun::kResume);
  write_predictions(run, outcomes, corpus);
  write_curves(run, outcomes, corpus);
  Results results = make_results(outcomes, corpus, folds);
  add_intervals(results, prediction_table(outcomes, corpus));
  write_results(run, results);
  return run;
}

}  // namespace hardy::test
