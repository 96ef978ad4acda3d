#include "experiments/leak_audit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "analysis/distributions.h"
#include "base/wording.h"
#include "experiments/table_reader.h"
#include "hardy/errors.h"
#include "hardy/metrics.h"
#include "methods/hardymer_published/defects.h"

namespace hardy {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kPublishedVariant = "published";

/// The sign of the predicted values of a run as a classification; values of exactly 0 are not
/// scored.
PredictionTable sign_predictions(const FinishedRun& run) {
  const auto& names = run.manifest.class_names;
  const auto sign_of = [&](const std::string& text) {
    if (text.empty()) return kNaN;
    if (!names.empty()) return text == names.back() ? 1.0 : 0.0;
    const double value = std::stod(text);
    return value > 0 ? 1.0 : 0.0;
  };
  const TableReader table(RunFolder::open(run.folder).predictions_file());
  const auto column = [&](const char* name) { return table.column(name); };
  const auto track = column("track");
  const auto condition = column("condition");
  const auto fold = column("fold");
  const auto seed = column("seed");
  const auto dialogue = column("dialogue");
  const auto utterance = column("utterance");
  const auto truth = column("truth");
  const auto predicted = column("predicted");
  PredictionTableBuilder builder(TallyLayout(TaskKind::kClass, {"negative", "positive"}),
                                 run.manifest.modality_names);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    builder.start(table.text(row, track),
                  parse_condition(table.text(row, condition), run.manifest.modality_names),
                  static_cast<int>(table.number(row, fold)),
                  static_cast<std::int64_t>(table.number(row, seed)));
    const bool is_zero = names.empty() && table.number(row, truth) == 0;
    builder.add({.dialogue = table.text(row, dialogue),
                 .utterance = table.text(row, utterance),
                 .speaker = "",
                 .truth = is_zero ? kNaN : sign_of(table.text(row, truth)),
                 .predicted = sign_of(table.text(row, predicted))});
  }
  return builder.finish();
}

std::int64_t classes_in(const TestFold& fold) {
  std::set<double> seen;
  for (const double truth : fold.truth) {
    if (!std::isnan(truth)) seen.insert(truth);
  }
  return static_cast<std::int64_t>(seen.size());
}

/// Tests one measure of one fold.
class FoldJudge {
 public:
  FoldJudge(const TestFold& fold, std::string name, std::string measure)
      : fold_(fold), name_(std::move(name)), measure_(std::move(measure)) {
    chance_ = measure_ == "ua" ? 1.0 / static_cast<double>(classes_in(fold)) : 0.0;
  }

  [[nodiscard]] ChanceRow judge(const Resampled& number) const {
    ChanceRow row = {number.track,    number.condition, fold_.fold, name_, measure_,
                     number.estimate, chance_,          kNaN,       kNaN,  false,
                     obstacle(number)};
    if (!row.missing.empty()) return row;
    row.p = p_above_chance(number);
    return row;
  }

 private:
  /// Student's t of the excess over its standard deviation in resamples. The share of resamples
  /// above chance would be too small for few dialogues: its tail is empty where the correction
  /// looks, and a clean protocol would be reported. Training seeds do not count, because on noise
  /// every model is expected at chance.
  [[nodiscard]] double p_above_chance(const Resampled& number) const {
    std::vector<double> defined;
    for (const double value : number.replicates) {
      if (!std::isnan(value)) defined.push_back(value);
    }
    const double excess = number.estimate - chance_;
    const double deviation = mean_and_deviation(defined).deviation;
    // All dialogues equal: exactly chance, or a certain excess.
    if (deviation < 1e-12) return excess > 1e-12 ? 0 : 1;
    const double beyond =
        two_sided_t_probability(excess / deviation, static_cast<double>(number.freedom)) / 2;
    return excess > 0 ? beyond : 1 - beyond;
  }

  [[nodiscard]] std::string obstacle(const Resampled& number) const {
    const auto dialogues = static_cast<std::int64_t>(fold_.dialogues.size());
    if (dialogues < kFewestTestDialogues) {
      return fmt::format("fold '{}' tests {}; fewer than {} cannot be resampled", name_,
                         counted(fold_.dialogues.size(), "dialogue"), kFewestTestDialogues);
    }
    if (measure_ == "ua" && classes_in(fold_) < 2) {
      return fmt::format("the test part of fold '{}' has utterances of one class only", name_);
    }
    if (!number.missing.empty()) return number.missing;
    return std::isnan(number.estimate) ? "it is not defined (constant predictions)" : "";
  }

  const TestFold& fold_;
  std::string name_;
  std::string measure_;
  double chance_ = 0;
};

void judge_measure(const PredictionTable& table, const std::string& measure, const FinishedRun& run,
                   std::vector<ChanceRow>& rows) {
  const BootstrapOptions options = {.resamples = 10000, .level = 0.95, .seed = 1};
  for (const auto& fold : table.folds) {
    const auto place = static_cast<std::size_t>(fold.fold);
    const auto& names = run.manifest.folds;
    const FoldJudge judge(fold, place < names.size() ? names[place] : std::to_string(place + 1),
                          measure);
    for (const auto& number : resample(restricted_to(table, {fold.fold}, table.seeds), options)) {
      if (number.metric == measure) rows.push_back(judge.judge(number));
    }
  }
}

void correct(std::vector<ChanceRow>& rows) {
  std::vector<double> p_values;
  for (const auto& row : rows) p_values.push_back(row.p);
  const auto corrected = holm(p_values);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].corrected_p = corrected[i];
    rows[i].is_above = corrected[i] <= kLeakLevel;  // false for NaN
  }
}

}  // namespace

Study leak_audit(const Config& base) {
  Study study;
  study.kind = kLeakAudit;
  study.title = "What the protocol makes of noise";
  study.base = base;
  study.variants = {{active_defects(base).empty() ? "strict" : "as set", {}}};
  if (base.protocol.method == "hardymer" || base.protocol.method == kPublishedMethod) {
    study.variants.push_back({kPublishedVariant, protocol_assignments(kPublishedVariant)});
  }
  return study;
}

std::vector<ChanceRow> judge_against_chance(const FinishedRun& run) {
  const TaskKind task = run.predictions.layout.task();
  std::vector<ChanceRow> rows;
  if (task == TaskKind::kClass) {
    judge_measure(run.predictions, "ua", run, rows);
  } else {
    judge_measure(sign_predictions(run), "ua", run, rows);
  }
  if (task == TaskKind::kValue) judge_measure(run.predictions, "correlation", run, rows);
  std::stable_sort(rows.begin(), rows.end(), [](const ChanceRow& x, const ChanceRow& y) {
    return std::tie(x.track, x.measure) < std::tie(y.track, y.measure);
  });
  correct(rows);
  return rows;
}

std::int64_t LeakReport::leaks() const {
  return std::count_if(checked.begin(), checked.end(),
                       [](const ChanceRow& row) { return row.is_above; });
}

std::int64_t LeakReport::judged() const {
  return std::count_if(checked.begin(), checked.end(),
                       [](const ChanceRow& row) { return row.missing.empty(); });
}

LeakReport leak_report(const std::filesystem::path& folder, const StudyResult& result) {
  std::vector<std::filesystem::path> folders;
  for (const auto& variant : result.variants) folders.push_back(folder / variant.folder);
  const auto runs = read_finished_runs(folders);
  LeakReport report;
  report.data_name = runs.front().manifest.data_name;
  report.checked_label = result.variants.front().variant.label;
  report.seeds = static_cast<std::int64_t>(runs.front().results.seeds.size());
  report.checked = judge_against_chance(runs.front());
  if (runs.size() > 1) report.published = judge_against_chance(runs[1]);
  return report;
}

std::string leak_verdict(const LeakReport& report) {
  const auto all = report.judged();
  if (all == 0) {
    return fmt::format("not computable because {}", report.checked.empty()
                                                        ? "nothing was tested"
                                                        : report.checked.front().missing);
  }
  const auto left_out = static_cast<std::int64_t>(report.checked.size()) - all;
  const std::string rest =
      left_out == 0 ? "" : fmt::format(" ({} more could not be judged)", left_out);
  if (report.leaks() == 0) {
    return fmt::format("the {} protocol is at chance on noise in all {} numbers{}, level {:g}",
                       report.checked_label, all, rest, kLeakLevel);
  }
  return fmt::format(
      "the {} protocol is above chance on noise in {} of {} numbers{}, level {:g}: "
      "it reads labels that it must not",
      report.checked_label, report.leaks(), all, rest, kLeakLevel);
}

}  // namespace hardy
