// The reliability of modalities and what is set aside, by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "hardy/errors.h"
#include "hardy/recogniser.h"
#include "hardy/stream.h"
#include "inference/reliability.h"
#include "tests/support/messages.h"
#include "tests/support/random_bundle.h"
#include "tests/support/temp_dir.h"

namespace hardy {
namespace {

using predict::ReliabilityView;
using testing::HasSubstr;

/// Training features vary along (1, 0) with variance 4 and across it with .25.
class Reliability : public ::testing::Test {
 protected:
  Reliability() {
    view.width = 2;
    view.directions = 1;
    view.basis = basis.data();
    view.variance = variance.data();
    view.largest = {loud, faint, shapeless, repeated};
    view.counts = {9, 9, 9, 4};
  }

  std::vector<float> basis = {1, 0};
  std::vector<float> variance = {4, 0.25F};
  std::vector<float> loud = {3, 2, 1};
  std::vector<float> faint = {3, 2, 1};
  std::vector<float> shapeless = {5, 4, 3};
  std::vector<float> repeated = {-1, -2};
  ReliabilityView view;
};

TEST_F(Reliability, StrangenessByHand) {
  const std::array<float, 2> z = {2, 1};
  const std::array<float, 2> before = {0, 4};
  const auto values = strangeness_of(view, z.data(), before.data());
  EXPECT_NEAR(values[predict::kLoud], std::log(2.5), 1e-9);  // (4 + 1) / 2
  EXPECT_NEAR(values[predict::kFaint], -std::log(2.5), 1e-9);
  // 4 / 4 + 1 / .25 = 5, over 5.
  EXPECT_NEAR(values[predict::kShapeless], 0, 1e-9);
  EXPECT_EQ(values[predict::kRepeated], -13);  // 4 + 9
  EXPECT_EQ(strangeness_of(view, z.data(), nullptr)[predict::kRepeated],
            -std::numeric_limits<double>::infinity());
  // Ten times as large has the same shape.
  const std::array<float, 2> larger = {20, 10};
  EXPECT_NEAR(strangeness_of(view, larger.data(), nullptr)[predict::kShapeless], 0, 1e-9);
}

TEST_F(Reliability, AValueIsRankedAmongThoseOfValidation) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  // None of nine is as loud: 1 / 10, times four measures.
  EXPECT_DOUBLE_EQ(reliability_of(view, {3.5, -9, 0, kNever}), 0.4);
  // One of nine is as loud as 3.
  EXPECT_DOUBLE_EQ(reliability_of(view, {3, -9, 0, kNever}), 0.8);
  // Three of nine are at least as loud as 1, which is 4 / 10 and more than 1 by four measures.
  EXPECT_DOUBLE_EQ(reliability_of(view, {1, -9, 0, kNever}), 1);
  EXPECT_DOUBLE_EQ(reliability_of(view, {2, -9, 4.5, kNever}), 0.8);  // one of nine as shapeless
  EXPECT_DOUBLE_EQ(reliability_of(view, {0, -9, 0, kNever}), 1);      // an ordinary one
  view.counts = {9, 9, 9, 0};
  view.largest[3] = {};
  EXPECT_DOUBLE_EQ(reliability_of(view, {3.5, -9, 0, kNever}), 3.0 / 10);
}

TEST_F(Reliability, TheSmallestRateFollowsFromTheFewestUtterances) {
  EXPECT_DOUBLE_EQ(smallest_rate(view), 4.0 / 5);
  EXPECT_EQ(predict::smallest_rate(ReliabilityView{}), std::numeric_limits<double>::infinity());
}

/// A model of two modalities with weights at random, of which m0 has a reliability estimate: its
/// features are judged by their size only.
class SetAside : public ::testing::Test {
 protected:
  static BundleInfo info() {
    EncoderConfig encoder;
    encoder.hidden = 4;
    encoder.depth = 1;
    encoder.heads = 2;
    encoder.decoder = Decoder::kLinear;
    return test::bundle_info({2, 2}, 3, encoder);
  }

  static TensorFile file() {
    TensorFile file = test::random_bundle(info());
    for (const char* modality : {"m0", "m1"}) {
      const std::string scaling = "scaling." + std::string(modality);
      file.arrays[scaling + ".mean"] = {{2}, std::vector<float>{0, 0}};
      file.arrays[scaling + ".deviation"] = {{2}, std::vector<float>{1, 1}};
      const std::string prefix = "reliability." + std::string(modality);
      file.add(prefix + ".basis", {2, 2}, std::vector<float>{1, 0, 0, 1});
      file.add(prefix + ".variance", {3}, std::vector<float>{1, 1, 1});
      file.add(prefix + ".loud", {1}, std::vector<float>{1});  // log of the mean square
      file.add(prefix + ".faint", {0}, std::vector<float>{});
      file.add(prefix + ".shapeless", {0}, std::vector<float>{});
      file.add(prefix + ".repeated", {0}, std::vector<float>{});
      file.add(prefix + ".counts", {4}, std::vector<std::int64_t>{99, 0, 0, 0});
    }
    return file;
  }

  Recogniser load(const TensorFile& contents) const {
    save_tensor_file(dir / "model", contents);
    return Recogniser::load(dir / "model");
  }

  test::TempDir dir;
  std::array<float, 2> good = {1, -1};
  std::array<float, 2> bad = {30, 40};
};

TEST_F(SetAside, ASuspectedModalityIsAsIfItWereMissing) {
  const Recogniser model = load(file());
  Workspace workspace;
  std::vector<UtteranceView> dialogue(2);
  dialogue[0].features = {bad.data(), good.data()};
  dialogue[1].features = {good.data(), good.data()};
  const auto kept = model.predict(dialogue, workspace, {.set_aside_rate = 0.01});
  ASSERT_EQ(kept.suspected.size(), 2U);
  EXPECT_EQ(kept.suspected[0], Pattern(1));
  EXPECT_TRUE(kept.suspected[1].empty());
  EXPECT_EQ(kept.used[0], Pattern(2));
  EXPECT_EQ(kept.used[1], Pattern(3));
  const std::vector<float> logits(kept.logits.begin(), kept.logits.end());
  dialogue[0].features[0] = nullptr;
  const auto missing = model.predict(dialogue, workspace);
  EXPECT_TRUE(missing.suspected.empty());
  EXPECT_THAT(logits, testing::ElementsAreArray(missing.logits));
}

TEST_F(SetAside, TheLeastSuspectedOneStaysWhenNothingElseIsLeft) {
  const Recogniser model = load(file());
  Workspace workspace;
  std::vector<UtteranceView> dialogue(2);
  dialogue[0].features = {bad.data(), bad.data()};
  dialogue[1].features = {bad.data(), nullptr};
  const auto kept = model.predict(dialogue, workspace, {.set_aside_rate = 0.01});
  EXPECT_EQ(kept.suspected[0], Pattern(3));
  EXPECT_EQ(kept.used[0], Pattern(1));
  EXPECT_EQ(kept.suspected[1], Pattern(1));
  EXPECT_EQ(kept.used[1], Pattern(1));
}

TEST_F(SetAside, OnlyModalitiesInUseAreJudged) {
  const Recogniser model = load(file());
  Workspace workspace;
  std::vector<UtteranceView> dialogue(1);
  dialogue[0].features = {bad.data(), good.data()};
  const auto kept =
      model.predict(dialogue, workspace, {.available = Pattern(2), .set_aside_rate = 0.01});
  EXPECT_TRUE(kept.suspected[0].empty());
  EXPECT_EQ(kept.used[0], Pattern(2));
}

TEST_F(SetAside, AModalityWithoutAnEstimateIsNotSuspected) {
  TensorFile contents = file();
  for (const char* array :
       {"basis", "variance", "loud", "faint", "shapeless", "repeated", "counts"}) {
    contents.arrays.erase(std::string("reliability.m1.") + array);
  }
  const Recogniser model = load(contents);
  Workspace workspace;
  std::vector<UtteranceView> dialogue(1);
  dialogue[0].features = {bad.data(), bad.data()};
  const auto kept = model.predict(dialogue, workspace, {.set_aside_rate = 0.01});
  EXPECT_EQ(kept.suspected[0], Pattern(1));
  EXPECT_EQ(kept.used[0], Pattern(2));
}

TEST_F(SetAside, AFrozenSensorStaysSuspected) {
  TensorFile contents = file();
  for (const char* modality : {"m0", "m1"}) {
    const std::string prefix = "reliability." + std::string(modality);
    contents.arrays[prefix + ".loud"] = {{1}, std::vector<float>{9}};
    contents.arrays[prefix + ".repeated"] = {{1}, std::vector<float>{-0.5F}};
    contents.arrays[prefix + ".counts"] = {{4}, std::vector<std::int64_t>{399, 0, 0, 399}};
  }
  const Recogniser model = load(contents);
  const std::array<std::array<float, 2>, 3> others = {{{-1, 0.5F}, {2, 1}, {0, -2}}};
  const std::array<float, 2> nearly = {1.5F, -1};
  const std::array<float, 2> drifting = {2, -1};
  Workspace workspace;
  std::vector<UtteranceView> dialogue(3);
  // Each is near its predecessor, which is suspected, and far from the last one that is not.
  dialogue[0].features = {good.data(), others[0].data()};
  dialogue[1].features = {nearly.data(), others[1].data()};
  dialogue[2].features = {drifting.data(), others[2].data()};
  const auto kept = model.predict(dialogue, workspace, {.set_aside_rate = 0.01});
  EXPECT_THAT(std::vector<Pattern>(kept.suspected.begin(), kept.suspected.end()),
              testing::ElementsAre(Pattern(), Pattern(1), Pattern(1)));
}

TEST_F(SetAside, AStreamSetsAsideTheSame) {
  TensorFile contents = file();
  // Nothing is as close to its predecessor as a repetition.
  for (const char* modality : {"m0", "m1"}) {
    const std::string prefix = "reliability." + std::string(modality);
    contents.arrays[prefix + ".repeated"] = {{1}, std::vector<float>{-0.5F}};
    contents.arrays[prefix + ".counts"] = {{4}, std::vector<std::int64_t>{399, 0, 0, 399}};
  }
  const Recogniser model = load(contents);
  const std::array<float, 2> other = {-1, 0.5F};
  std::vector<UtteranceView> dialogue(4);
  dialogue[0].features = {good.data(), other.data()};
  dialogue[1].features = {good.data(), good.data()};  // m0 repeats
  dialogue[2].features = {bad.data(), nullptr};
  dialogue[3].features = {other.data(), good.data()};  // m1 repeats its last, two turns ago
  const PredictOptions options = {.set_aside_rate = 0.01};
  Workspace workspace;
  const auto whole = model.predict(dialogue, workspace, options);
  const std::vector<Pattern> suspected(whole.suspected.begin(), whole.suspected.end());
  EXPECT_THAT(suspected, testing::ElementsAre(Pattern(), Pattern(1), Pattern(1), Pattern(2)));
  const std::vector<float> last(whole.logits.end() - 3, whole.logits.end());
  DialogueStream stream(model);
  for (std::size_t t = 0; t < dialogue.size(); ++t) {
    const auto turn = stream.add_turn(dialogue[t], workspace, options);
    EXPECT_EQ(turn.suspected[0], suspected[t]) << t;
    if (t < 3) continue;
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(turn.logits[c], last[c], 1e-5);
  }
}

TEST_F(SetAside, RatesThatCannotBePromisedAndOldModelsAreRefused) {
  const Recogniser model = load(file());
  Workspace workspace;
  std::vector<UtteranceView> dialogue(1);
  dialogue[0].features = {good.data(), good.data()};
  EXPECT_THAT(test::message_of<ConfigError>(
                  [&] { model.predict(dialogue, workspace, {.set_aside_rate = 0.009}); }),
              HasSubstr("validation utterances are too few; the smallest possible is 0.01"));
  EXPECT_THAT(test::message_of<ConfigError>(
                  [&] { model.predict(dialogue, workspace, {.set_aside_rate = -1}); }),
              HasSubstr("between 0 and 1"));
  const Recogniser old = load(test::random_bundle(info()));
  EXPECT_THAT(test::message_of<ArtifactError>(
                  [&] { old.predict(dialogue, workspace, {.set_aside_rate = 0.01}); }),
              HasSubstr("stores no reliability estimate"));
  TensorFile damaged = file();
  damaged.arrays["reliability.m0.variance"] = {{2}, std::vector<float>{1, 1}};
  EXPECT_THAT(test::message_of<ArtifactError>([&] { load(damaged); }),
              HasSubstr("'reliability.m0.variance' has another shape"));
}

}  // namespace
}  // namespace hardy
