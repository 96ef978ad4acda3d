// The paper's experiments as studies on any corpus.
#pragma once

#include <string>
#include <vector>

#include "experiments/study_results.h"

namespace hardy {

/// "table1", "table2", "table3", "fig1", "fig3", "fig4" and "all" (these together).
const std::vector<std::string>& reproduction_names();

/// The variants of an experiment over `base`:
///
/// table1 - every declared method;
///
/// table2 - without direct, indirect, any hardness, retrieval, tuned features; and with tuned
/// features as the recogniser's input, as in the published code;
///
/// table3 - alpha1, alpha2, beta and K one at a time;
///
/// fig1 - hardness-aware supports against reconstruction: neither, either, both;
///
/// fig3 - none: neighbour_maps.h examines the default's features;
///
/// fig4 - another index for one modality at a time ("A-IP", "V-IP", "T-L2").
///
/// Variants of several experiments occur once; "default" is always among them. With `only_unified`
/// all variants except the default of "all" train the unified model only; those of "table1" alone
/// train both. Throws ConfigError for an unknown name.
Study reproduction(const std::string& name, const Config& base,
                   const std::vector<std::string>& modality_names, bool only_unified);

/// One row of a reproduced table: a variant on the test parts.
struct ReproducedRow {
  std::string experiment;  ///< "table2"
  std::string variant;     ///< label
  std::string track;
  std::string metric;
  std::vector<double> values;  ///< by condition, then "average" where there is one
  double difference = 0;       ///< last value minus that of "default", same track and metric
  double paper = 0;            ///< the paper's average; NaN where it has none for this corpus
};

/// The paper's average over the six conditions on IEMOCAP with four classes; NaN for other corpora
/// and unpublished numbers. `variant`: a label, "default" = HARDY-MER.
double paper_average(const Results& test, const std::string& variant, const std::string& metric);

/// The rows of the experiment (of each, for "all"), from a finished study.
std::vector<ReproducedRow> reproduced_rows(const std::string& name, const StudyResult& result);

/// Text tables in the layout of the paper: a row per variant, a column per condition.
std::string reproduction_text(const std::string& name, const StudyResult& result);

/// One line per row and condition.
std::string reproduction_csv(const std::string& name, const StudyResult& result);

}  // namespace hardy
