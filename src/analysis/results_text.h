// Results as people and spreadsheets read them.
#pragma once

#include <string>
#include <vector>

#include "hardy/results.h"
#include "pipeline/run_folder.h"

namespace hardy {

/// The table of a run, like the paper's Table 1: a row per track and headline metric, a column per
/// condition, the average over the proper ones, the complete one last; below each row its deviation
/// over seeds (over folds when there is one seed) and its interval, or below all why there is none.
/// Says so when the corpus is synthetic. Many
/// conditions are spread over several blocks of columns.
std::string results_table(const Results& results);

/// One line per track, condition, fold, seed and metric; then the summaries, with fold and seed
/// "mean", "deviation over seeds", "deviation over folds" and, where intervals were made, "interval
/// low" and "interval high".
std::string results_csv(const Results& results);

/// predictions.csv: one line per test utterance, method, track, condition, fold and seed, with
/// truth (none when it is not scored), prediction and one column per class probability (or the
/// predicted value alone).
void write_predictions(const RunFolder& folder, const std::vector<FitOutcome>& outcomes,
                       const Corpus& corpus);

/// curves.csv: one line per point.
void write_curves(const RunFolder& folder, const std::vector<FitOutcome>& outcomes,
                  const Corpus& corpus);

}  // namespace hardy
