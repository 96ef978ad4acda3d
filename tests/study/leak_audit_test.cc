// The leak audit on tables made by rule, and its study.
#include "hardy/study/leak_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hardy/config/defects.h"
#include "tests/evaluation/made_run.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::HasSubstr;

/// A run of two classes, 12 dialogues per fold, in which a fold's utterances are recognised as the
/// rule says.
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

TEST(LeakAudit, TheStudyHasBothProtocolsAndNamesDefectsThatAreOn) {
  Config base = make_preset("quick");
  auto study = leak_audit(base);
  ASSERT_EQ(study.variants.size(), 2U);
  EXPECT_EQ(study.variants[0].label, "strict");
  EXPECT_EQ(active_defects(variant_config(study, study.variants[1])).size(),
            known_defects().size());
  base.published.h2_shared_tuning = true;
  EXPECT_EQ(leak_audit(base).variants[0].label, "as set");
  base = make_preset("quick");
  base.protocol.method = "momke";
  EXPECT_EQ(leak_audit(base).variants.size(), 1U);
}

TEST(LeakAudit, VerdictsSayWhatWasFound) {
  LeakReport report;
  report.checked_label = "strict";
  ChanceRow row;
  row.missing = "fold '1/3' tests 2 dialogue(s)";
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
