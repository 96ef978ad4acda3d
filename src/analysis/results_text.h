// Results as people and spreadsheets read them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "hardy/results.h"
#include "pipeline/run_folder.h"

namespace hardy {

/// How a table is laid out.
struct TableStyle {
  std::size_t width = 80;  ///< columns of the terminal
  bool has_colour = false;
  /// What to show, by name; those that the results lack are left out. Empty = the first headline.
  std::vector<std::string> metrics = {};
};

/// The table of a run: a block per track and metric, a row per condition with the mean, its
/// deviation over seeds (over folds when there is one seed) and its interval; below all what the
/// numbers are, what was resampled, and why something is missing. Says so when the corpus is
/// synthetic. Modalities have their names where they fit, else short ones with a key.
std::string results_table(const Results& results, const TableStyle& style = {});

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
