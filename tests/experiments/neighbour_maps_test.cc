// Neighbours and maps from a finished run's stages.
#include "experiments/neighbour_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "experiments/run_study.h"
#include "hardy/errors.h"
#include "support/messages.h"
#include "support/temp_dir.h"
#include "support/tiny_experiment.h"

namespace hardy {
namespace {

using test::message_of;
using ::testing::HasSubstr;

class NeighbourMapsTest : public ::testing::Test {
 protected:
  NeighbourMapsTest() : corpus_(test::tiny_corpus(2)) {
    StudyRequest study;
    study.study.base = test::tiny_config();
    study.study.base.run.models = KeptModels::kNone;
    study.study.base.protocol.tracks = Tracks::kUnified;
    study.study.variants = {{"default", {}}};
    study.folder = dir_ / "study";
    run_study(study, corpus_, quiet_);
    request_.config = study.study.base;
    request_.run = dir_ / "study" / "default";
    request_.cache = dir_ / "study" / "stages";
    request_.background = 20;
  }

  test::TempDir dir_;
  NoProgress quiet_;
  Corpus corpus_;
  MapRequest request_;
};

TEST_F(NeighbourMapsTest, EveryTrainingAndTestUtteranceAsks) {
  const auto maps = map_neighbours(request_, corpus_, quiet_);
  ASSERT_EQ(maps.shares.size(), 2U * 2U * 3U);
  for (const auto& share : maps.shares) {
    EXPECT_EQ(share.utterances, corpus_.size()) << share.part;
    EXPECT_LE(share.low, share.share);
    EXPECT_GE(share.high, share.share);
  }
  EXPECT_NEAR(maps.shares[2].share, maps.shares[1].share - maps.shares[0].share, 1e-12);
  ASSERT_EQ(maps.queries.size(), 2U);
  EXPECT_NE(maps.queries[0], maps.queries[1]);
}

TEST_F(NeighbourMapsTest, BothMapsOfAModalityShowTheSameUtterances) {
  const auto maps = map_neighbours(request_, corpus_, quiet_);
  std::map<std::pair<std::string, std::string>, std::set<std::int64_t>> shown;
  std::map<std::pair<std::string, std::string>, std::int64_t> neighbours;
  for (const auto& point : maps.points) {
    const bool is_new = shown[{point.modality, point.features}].insert(point.utterance).second;
    EXPECT_TRUE(is_new) << point.utterance;
    if (point.role == "neighbour" && point.query == maps.queries[0]) {
      ++neighbours[{point.modality, point.features}];
    }
  }
  ASSERT_EQ(shown.size(), 4U);
  for (const auto& modality : corpus_.modality_names()) {
    EXPECT_EQ((shown[{modality, "plain"}]), (shown[{modality, "tuned"}]));
  }
  for (const auto& [map, count] : neighbours) EXPECT_EQ(count, maps.k) << map.second;
}

TEST_F(NeighbourMapsTest, TheSameRequestGivesTheSamePlaces) {
  const auto first = map_neighbours(request_, corpus_, quiet_);
  const auto second = map_neighbours(request_, corpus_, quiet_);
  ASSERT_EQ(first.points.size(), second.points.size());
  for (std::size_t i = 0; i < first.points.size(); ++i) {
    EXPECT_EQ(first.points[i].x, second.points[i].x);
    EXPECT_EQ(first.points[i].role, second.points[i].role);
  }
}

TEST_F(NeighbourMapsTest, UnknownQueriesAreRefused) {
  request_.queries = {"nobody"};
  EXPECT_THAT(message_of<ConfigError>([&] { map_neighbours(request_, corpus_, quiet_); }),
              HasSubstr("no such utterance"));
  // One utterance of every session: no fold trains on all of them.
  request_.queries.clear();
  std::set<std::string> groups;
  for (const auto& dialogue : corpus_.dialogues) {
    if (!groups.insert(dialogue.group).second) continue;
    request_.queries.push_back(corpus_.utterances[static_cast<std::size_t>(dialogue.first)].id);
  }
  EXPECT_THAT(message_of<ConfigError>([&] { map_neighbours(request_, corpus_, quiet_); }),
              HasSubstr("no fold has all of them"));
}

}  // namespace
}  // namespace hardy
