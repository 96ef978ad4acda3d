// Shares of neighbours by hand.
#include "experiments/neighbour_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "formats/csv.h"
#include "tests/analysis/made_run.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(NeighbourShares, UtterancesCountOnceHoweverManyFoldsTheyAskedIn) {
  const Corpus corpus = test::made_corpus();
  // Dialogue 0: .5 (over two folds) and 0; dialogue 1: 1.
  const auto share = summarise_shares(corpus, {{0, {0.0, 1.0}}, {1, {0.0}}, {4, {1.0}}}, 0.95);
  EXPECT_EQ(share.utterances, 3);
  EXPECT_DOUBLE_EQ(share.share, 0.5);
  // Resamples have dialogue 0 twice (.25), both (.5) or dialogue 1 twice (1).
  EXPECT_DOUBLE_EQ(share.low, 0.25);
  EXPECT_DOUBLE_EQ(share.high, 1);
}

TEST(NeighbourShares, WithoutTwoDialoguesThereIsNoInterval) {
  const Corpus corpus = test::made_corpus();
  EXPECT_TRUE(std::isnan(summarise_shares(corpus, {}, 0.95).share));
  const auto one = summarise_shares(corpus, {{0, {1.0}}, {1, {0.0}}}, 0.95);
  EXPECT_EQ(one.share, 0.5);
  EXPECT_TRUE(std::isnan(one.low));
}

TEST(NeighbourShares, DifferencesArePaired) {
  const auto difference =
      paired_difference({{3, {0.5, 1.0}}, {7, {0.25}}}, {{3, {0.25, 1.0}}, {7, {0.5}}});
  EXPECT_THAT(difference.at(3), ElementsAre(0.25, 0.0));
  EXPECT_THAT(difference.at(7), ElementsAre(-0.25));
}

TEST(NeighbourShares, LabelsOfValuesAreTheirSigns) {
  Corpus corpus = test::made_corpus();
  corpus.label_kind = LabelKind::kValue;
  corpus.utterances[0].label = -0.4F;
  corpus.utterances[1].label = 0;
  corpus.utterances[2].label = 2.5F;
  EXPECT_EQ(neighbour_label(corpus, 0), -1);
  EXPECT_EQ(neighbour_label(corpus, 1), 0);
  EXPECT_EQ(neighbour_label(corpus, 2), 1);
}

TEST(NeighbourShares, FilesHoldPointsAndShares) {
  const test::TempDir dir;
  const Corpus corpus = test::made_corpus();
  NeighbourMaps maps;
  maps.k = 5;
  maps.fold = "1/2";
  maps.queries = {"d00u1"};
  maps.shares = {{"training", "textual", "tuned - plain", 96, 0.125, -0.25, 0.5}};
  maps.points = {{"textual", "plain", 1.5, -2, 1, "query", "d00u1"},
                 {"textual", "plain", 0, 0, 2, "neighbour", "d00u1"}};
  write_neighbour_maps(dir.path(), maps, corpus);
  const auto points = parse_csv(read_text_file(dir / "tsne.csv"), "tsne.csv");
  EXPECT_THAT(points.rows[0], ElementsAre("textual", "plain", "1.5", "-2", "d00u1", "angry",
                                          "query", "d00u1", "text 1"));
  EXPECT_THAT(read_text_file(dir / "neighbours.csv"),
              HasSubstr("training,textual,tuned - plain,96,0.125,-0.25,0.5\n"));
  EXPECT_THAT(read_text_file(dir / "neighbours.txt"),
              AllOf(HasSubstr("+0.1250  [-0.2500, 0.5000]"), HasSubstr("queries d00u1")));
}

}  // namespace
}  // namespace hardy
