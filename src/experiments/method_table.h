// The paper's Table 1 for any corpus, from the run folders of a finished study.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "experiments/method_comparison.h"
#include "experiments/study_results.h"

namespace hardy {

inline constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

/// Reference method of the comparison.
inline constexpr const char* kOwnMethod = "hardymer";

/// A number with its interval; NaN where there is none.
struct TableCell {
  double mean = kNoNumber;
  double low = kNoNumber;
  double high = kNoNumber;
};

/// HARDY-MER minus another method in the summary column, paired over dialogues, folds and seeds.
struct TableDifference {
  double difference = kNoNumber;
  double low = kNoNumber;
  double high = kNoNumber;
  double p = kNoNumber;
  double corrected_p = kNoNumber;  ///< after Holm's correction over the rows of the table
  bool is_beyond_chance = false;
};

/// One method under one track and metric.
struct TableRow {
  std::string method;            ///< declared name
  std::vector<TableCell> cells;  ///< by column
  TableDifference difference;    ///< empty in HARDY-MER's own row
  double paper = kNoNumber;      ///< the paper's average where the corpus is the paper's
};

/// HARDY-MER's lead over the best of some others, by column; > 0 = HARDY-MER is better.
struct TableGain {
  std::vector<double> values;
  std::vector<std::string> best;  ///< name of that method
};

struct MethodTable {
  std::string track;
  std::string metric;
  std::vector<std::string> columns;  ///< proper conditions, "average", the complete one
  std::vector<TableRow> rows;        ///< in_table_order
  TableGain over_systems;            ///< empty without HARDY-MER or without others
  TableGain over_all;                ///< controls too; empty without controls
};

/// Index of the summary column, "average" or else the first.
std::size_t summary_column(const MethodTable& table);

bool is_control(const TableRow& row);

/// Cost of a method on one track.
struct MethodCost {
  std::string method;
  std::string track;
  double training_cpu_s = kNoNumber;  ///< shared stages once, then the track's fits
  double prediction_ms = kNoNumber;   ///< CPU per utterance and pattern
  std::int64_t parameters = 0;        ///< of the largest model
};

/// A method that cannot be applied to the corpus, with the reason.
struct Refusal {
  std::string method;
  std::string reason;
};

/// Settings that tuning selected for a method.
struct ChosenSettings {
  std::string method;
  std::int64_t points = 0;               ///< number of points, including the declared settings
  std::vector<std::string> assignments;  ///< empty = as declared
  double validation = kNoNumber;         ///< validation metric of the selected point
  double declared_validation = kNoNumber;
};

/// Results of `hardy compare`.
struct MethodComparison {
  std::string data_name;
  bool is_synthetic = false;
  std::string data_checksum;
  std::vector<std::string> folds;
  std::vector<std::int64_t> seeds;
  double level = 0.95;  ///< coverage of intervals
  CompareOptions options;
  std::string metric;  ///< metric that ranked points; "" without tuning
  std::vector<std::string> command_line;
  std::vector<MethodTable> tables;  ///< by track, then metric
  std::vector<MethodCost> costs;
  std::vector<Refusal> refusals;
  std::vector<ChosenSettings> chosen;
};

/// Reads the run folders of the study's variants that are methods (labels: declared names, and
/// "default" for HARDY-MER). Throws ArtifactError for a damaged folder, DataError when runs have
/// different test utterances.
MethodComparison compare_methods(const std::filesystem::path& folder, const StudyResult& result,
                                 const CompareOptions& options, std::vector<Refusal> refusals);

/// Name of the corpus, marked when it is synthetic and the name does not say so.
std::string data_text(const MethodComparison& comparison);

/// The method's name in tables.
std::string method_title(const std::string& method);

}  // namespace hardy
