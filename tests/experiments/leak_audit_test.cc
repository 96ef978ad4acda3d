// The leak audit on generated tables, and its study.
#include "experiments/leak_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/random.h"
#include "methods/hardymer_published/defects.h"
#include "tests/analysis/made_run.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::HasSubstr;

/// A run of two classes, 12 dialogues per fold, in which `is_hit` of the test decides the correct
/// predictions of each fold.
FinishedRun run_with(const std::filesystem::path& folder,
                     const std::function<bool(const test::MadeFit&, std::int64_t)>& is_hit) {
  test::make_run(folder, test::hit_outcomes(is_hit, {1, 2}));
  return read_finished_runs({folder}).front();
}

TEST(LeakAudit, FindsTheFoldThatKnowsItsTestLabels) {
  const test::TempDir dir;
  const auto run = run_with(dir / "run", [](const test::MadeFit& fit, std::int64_t utterance) {
    // Fold 0 recognises every other utterance of each class: chance. Fold 1 nearly all.
    return fit.fold == 0 ? (utterance / 2) % 2 == 0 : utterance % 10 != 0;
  });
  const auto rows = judge_against_chance(run);
  ASSERT_FALSE(rows.empty());
  for (const auto& row : rows) {
    EXPECT_EQ(row.missing, "");
    EXPECT_DOUBLE_EQ(row.chance, 0.5);
    EXPECT_EQ(row.is_above, row.fold == 1) << row.condition << " " << row.value;
  }
}

TEST(LeakAudit, AConstantAnswerIsAtChance) {
  const test::TempDir dir;
  const Corpus corpus = test::made_corpus();
  const auto run = run_with(dir / "run", [&](const test::MadeFit&, std::int64_t utterance) {
    return corpus.utterances[static_cast<std::size_t>(utterance)].label == 0;
  });
  for (const auto& row : judge_against_chance(run)) {
    EXPECT_DOUBLE_EQ(row.value, 0.5);
    EXPECT_FALSE(row.is_above);
  }
}

constexpr int kBlindFolds = 8;

/// Predictions of folds of six dialogues that are independent of the labels; those of the three
/// conditions are similar.
FinishedRun blind_run(std::uint64_t root) {
  const std::vector<std::string> classes = {"angry", "happy", "neutral", "sad"};
  Generator generator(root);
  FinishedRun run;
  PredictionTableBuilder builder({TaskKind::kClass, classes}, {"acoustic", "textual"});
  for (int fold = 0; fold < kBlindFolds; ++fold) {
    run.manifest.folds.push_back(fmt::format("f{}", fold));
    std::vector<std::vector<std::int64_t>> truth(6);
    std::vector<std::vector<std::int64_t>> shared(6);
    for (std::size_t d = 0; d < truth.size(); ++d) {
      const auto length = 10 + draw_index(generator, 30);
      for (std::int64_t u = 0; u < length; ++u) {
        truth[d].push_back(draw_index(generator, 4));
        shared[d].push_back(draw_index(generator, 4));
      }
    }
    for (const char* condition : {"a", "t", "a,t"}) {
      builder.start("unified", parse_condition(condition, {"acoustic", "textual"}), fold, 1);
      for (std::size_t d = 0; d < truth.size(); ++d) {
        for (std::size_t u = 0; u < truth[d].size(); ++u) {
          const auto answer = draw_unit(generator) < 0.5 ? shared[d][u] : draw_index(generator, 4);
          builder.add({.dialogue = fmt::format("f{}d{}", fold, d),
                       .utterance = fmt::format("f{}d{}u{:02}", fold, d, u),
                       .speaker = "",
                       .truth = static_cast<double>(truth[d][u]),
                       .predicted = static_cast<double>(answer)});
        }
      }
    }
  }
  run.predictions = builder.finish();
  return run;
}

TEST(LeakAudit, BlamesACleanProtocolNoMoreOftenThanItsLevelSays) {
  constexpr int kAudits = 100;
  int blamed = 0;
  int judged = 0;
  for (int audit = 0; audit < kAudits; ++audit) {
    bool is_blamed = false;
    for (const auto& row : judge_against_chance(blind_run(static_cast<std::uint64_t>(audit)))) {
      judged += row.missing.empty() ? 1 : 0;
      is_blamed = is_blamed || row.is_above;
    }
    blamed += is_blamed ? 1 : 0;
  }
  EXPECT_EQ(judged, 4 * kBlindFolds * kAudits);  // three conditions and their average
  // At level .05 more than 11 of 100 have a probability of one in two hundred.
  EXPECT_LE(blamed, 11);
}

TEST(LeakAudit, TheStudyHasBothProtocolsAndNamesDefectsThatAreOn) {
  Config base = make_preset("quick");
  auto study = leak_audit(base);
  ASSERT_EQ(study.variants.size(), 2U);
  EXPECT_EQ(study.variants[0].label, "strict");
  EXPECT_EQ(active_defects(variant_config(study, study.variants[1])).size(),
            known_defects().size());
  set_config_field(base, "hardymer_published.h2_shared_tuning=true");
  EXPECT_EQ(leak_audit(base).variants[0].label, "as set");
  base = make_preset("quick");
  base.protocol.method = "momke";
  EXPECT_EQ(leak_audit(base).variants.size(), 1U);
}

TEST(LeakAudit, VerdictsSayWhatWasFound) {
  LeakReport report;
  report.checked_label = "strict";
  ChanceRow row;
  row.missing = "fold '1/3' tests 2 dialogues";
  report.checked = {row};
  EXPECT_THAT(leak_verdict(report), HasSubstr("not computable because fold '1/3'"));
  row.missing = "";
  report.checked.push_back(row);
  EXPECT_THAT(leak_verdict(report), HasSubstr("at chance on noise in all 1 numbers (1 more"));
  row.is_above = true;
  report.checked.push_back(row);
  EXPECT_THAT(leak_verdict(report), HasSubstr("above chance on noise in 1 of 2"));
  EXPECT_THAT(leak_csv(report), HasSubstr("strict,"));
  EXPECT_THAT(leak_json(report), HasSubstr("\"leaks\": 1"));
}

}  // namespace
}  // namespace hardy
