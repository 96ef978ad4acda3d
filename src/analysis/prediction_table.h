// Predictions of a run on its test parts, tallied by clusters of similar utterances: the input of
// resampling.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "analysis/area_table.h"
#include "hardy/modality.h"
#include "metrics/tally.h"
#include "pipeline/run_folder.h"

namespace hardy {

/// The test part of a fold: the same for every track, condition and seed.
struct TestFold {
  int fold = 0;                         ///< 0-based
  std::vector<std::string> dialogues;   ///< the clusters (PredictionTable::clusters), ascending
  std::vector<std::string> utterances;  ///< ascending
  /// [utterances]; NaN = not scored. For several labels or values 0, and `targets` has them.
  std::vector<double> truth;
  std::vector<float> targets;  ///< [utterances, T]; empty unless there are several
};

/// Metrics of class probabilities that do not add up over utterances (AreaTable).
inline constexpr std::array<const char*, 3> kAreaMetrics = {"auroc", "aurc", "excess_aurc"};

/// The predictions of one model under one condition.
struct PredictionCell {
  std::string track;
  std::string condition;  ///< label of the condition
  int fold = 0;
  std::int64_t seed = 0;
  std::vector<double> tallies;  ///< [dialogues of the fold, width] row-major
  AreaTable areas;              ///< empty unless every cell has class probabilities
};

/// All test predictions of a run.
struct PredictionTable {
  TallyLayout layout;
  std::vector<std::string> tracks;      ///< ascending
  std::vector<std::string> conditions;  ///< labels, by comes_before
  std::vector<Condition> which;         ///< the same as conditions
  int modalities = 0;
  /// The resampled unit: "dialogue"; if every dialogue is one utterance, "speaker" when all are
  /// known, else "utterance".
  std::string clusters = "dialogue";
  std::vector<std::int64_t> seeds;    ///< ascending
  std::vector<TestFold> folds;        ///< ascending
  std::vector<PredictionCell> cells;  ///< by track, condition, fold, seed
  bool has_areas = false;             ///< whether the cells have `areas`

  /// Those of the layout, and kAreaMetrics where probabilities are known.
  [[nodiscard]] std::vector<std::string> metric_names() const;

  /// The metrics of a cell whose clusters count `weights` times. Shapes: weights [dialogues of the
  /// fold], values [metric_names().size()].
  void measure(const PredictionCell& cell, std::span<const double> weights,
               std::span<double> values) const;

  /// Label of the complete pattern; "" when it was not tested.
  [[nodiscard]] std::string complete() const;

  /// The cell at this position; null when there is none.
  [[nodiscard]] const PredictionCell* find(const std::string& track, const std::string& condition,
                                           int fold, std::int64_t seed) const;
};

/// One prediction. Views must be valid during `add` only.
struct Prediction {
  std::string dialogue;
  std::string utterance;
  std::string speaker;  ///< "" = unknown
  /// Truth for TallyLayout::add; NaN = not scored. Several labels or values: 0, or NaN.
  double truth = 0;
  double predicted = 0;  ///< likewise; NaN = not predicted
  /// Class probabilities, or the outputs of several labels or values.
  std::span<const float> outputs = {};
  std::span<const float> targets = {};  ///< [T] truths of several labels or values
};

/// Collects predictions in any order.
class PredictionTableBuilder {
 public:
  PredictionTableBuilder(TallyLayout layout, std::vector<std::string> modality_names);

  /// Selects the model of the following predictions.
  void start(const std::string& track, const Condition& condition, int fold, std::int64_t seed);

  /// Throws ArtifactError when the utterance is repeated, or has another truth or dialogue
  /// elsewhere.
  void add(const Prediction& prediction);

  /// Throws ArtifactError when a model lacks utterances of another model of its fold.
  [[nodiscard]] PredictionTable finish() const;

 private:
  struct Utterance {
    std::string name;
    std::size_t dialogue = 0;
    double truth = 0;
    std::vector<float> targets;
  };

  struct Fold {
    std::vector<std::string> dialogues;
    std::vector<std::string> speakers;  // speaker of each dialogue's first utterance
    std::vector<Utterance> utterances;
    std::unordered_map<std::string, std::size_t> dialogue_index;
    std::unordered_map<std::string, std::size_t> utterance_index;
  };

  struct Cell {
    std::vector<double> tallies;  // [dialogues so far, width], in the fold's order
    std::vector<bool> seen;       // [utterances so far]
    std::size_t count = 0;
    std::vector<AreaRow> scored;       // clusters are dialogues in the fold's order
    std::vector<float> probabilities;  // [scored, C]; empty unless known for all
  };

  struct Place {
    std::string track;
    Condition condition;
    int fold = 0;
    std::int64_t seed = 0;

    bool operator<(const Place& other) const;
  };

  [[nodiscard]] std::string place_text(const Place& place) const;
  void count(const Prediction& prediction, std::size_t dialogue);
  [[nodiscard]] std::string clusters() const;
  [[nodiscard]] TestFold sorted_fold(int number, const Fold& fold,
                                     const std::string& clusters) const;
  [[nodiscard]] PredictionCell sorted_cell(const Place& place, const Cell& cell,
                                           const std::string& clusters) const;

  TallyLayout layout_;
  std::vector<std::string> modality_names_;
  std::map<int, Fold> folds_;
  std::map<Place, Cell> cells_;
  const Place* place_ = nullptr;
  Cell* cell_ = nullptr;
  Fold* fold_ = nullptr;
  bool has_areas_;  // whether all predictions so far have probabilities
};

/// What the columns of predictions.csv with the truths of several labels (0 or 1) or of several
/// values begin with, before the name.
inline constexpr const char* kLabelTruth = "is_";
inline constexpr const char* kValueTruth = "truth_";

/// Reads predictions.csv. Throws ArtifactError naming file and line when it is missing or damaged.
PredictionTable read_predictions(const RunFolder& folder);

/// TallyLayout::only_class of each metric over all cells.
std::vector<std::string> only_classes_of(const PredictionTable& table);

/// Number of clusters of the test parts; one that several folds test counts once.
std::int64_t cluster_count(const PredictionTable& table);

/// Rows of `table` whose fold and seed are listed.
PredictionTable restricted_to(const PredictionTable& table, const std::vector<int>& folds,
                              const std::vector<std::int64_t>& seeds);

/// Why predictions of the two cannot be paired utterance by utterance ("fold 1 of the first tests
/// utterance u7, fold 1 of the second does not"); "" when they can. Folds of only one table do not
/// matter.
std::string pairing_obstacle(const PredictionTable& first, const PredictionTable& second);

}  // namespace hardy
