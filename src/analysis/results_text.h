// Results as text tables and CSV.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "hardy/results.h"
#include "pipeline/run_folder.h"

namespace hardy {

/// Layout of a table.
struct TableStyle {
  std::size_t width = 80;  ///< columns of the terminal
  bool has_colour = false;
  /// Metrics to show, by name; those that the results lack are left out. Empty = the first headline
  /// metric.
  std::vector<std::string> metrics = {};
};

/// The table of a run: a block per track and metric, a row per condition with the mean, its
/// standard deviation over seeds (over folds with one seed) and its interval; below it an
/// explanation of the numbers, the resampled unit, and reasons for omissions. States when the
/// corpus is synthetic. Modalities have their full names where they fit, else short ones with a
/// key.
std::string results_table(const Results& results, const TableStyle& style = {});

/// One line per track, condition, fold, seed and metric; then the summaries, with fold and seed
/// "mean", "deviation over seeds", "deviation over folds" and, where intervals were made, "interval
/// low" and "interval high".
std::string results_csv(const Results& results);

/// predictions.csv: one line per test utterance, method, track, condition, fold and seed, with
/// truth (empty when not scored), prediction and one column per class probability (or the predicted
/// value only); of several labels or values also a column per truth (kLabelTruth, kValueTruth).
void write_predictions(const RunFolder& folder, const std::vector<FitOutcome>& outcomes,
                       const Corpus& corpus);

/// curves.csv: one line per point.
void write_curves(const RunFolder& folder, const std::vector<FitOutcome>& outcomes,
                  const Corpus& corpus);

}  // namespace hardy
