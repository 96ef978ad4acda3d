// The embedded extractors on signals with known values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "hardy/errors.h"
#include "media/acoustic.h"
#include "media/contours.h"
#include "media/embedded_files.h"
#include "media/extractor.h"
#include "media/formants.h"
#include "media/graph_network.h"
#include "media/pauses.h"
#include "media/pitch.h"
#include "media/spectrum.h"
#include "media/words.h"

namespace hardy {
namespace {

std::vector<float> made(double seconds, const std::function<double(double)>& wave) {
  std::vector<float> samples(static_cast<std::size_t>(seconds * 16000));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(wave(static_cast<double>(i) / 16000));
  }
  return samples;
}

/// A buzz with all harmonics, like the source of a voice.
double buzz(double t, double hz) {
  double sum = 0;
  for (int k = 1; k <= 10; ++k) sum += std::sin(2 * std::numbers::pi * hz * k * t) / k;
  return 0.2 * sum;
}

std::vector<std::int16_t> as_integers(const std::vector<float>& samples) {
  std::vector<std::int16_t> integers;
  for (const float sample : samples) {
    integers.push_back(static_cast<std::int16_t>(std::lround(sample * 32767)));
  }
  return integers;
}

float value_of(const std::vector<float>& values, const std::string& name) {
  const auto& names = acoustic_names();
  const auto found = std::find(names.begin(), names.end(), name);
  EXPECT_NE(found, names.end()) << name;
  return values.at(static_cast<std::size_t>(found - names.begin()));
}

TEST(Spectrum, PowerOfAToneLiesInItsBin) {
  const auto spectra = compute_spectra(
      made(0.1, [](double t) { return std::sin(2 * std::numbers::pi * 1000 * t); }));
  ASSERT_EQ(spectra.frames, 8U);
  const auto power = spectra.power_of(3);
  const auto top = std::max_element(power.begin(), power.end()) - power.begin();
  EXPECT_EQ(top, 32);  // 1000 / 31.25
  // A sine of amplitude 1 under a window of sum 216: (216 / 2)^2.
  EXPECT_NEAR(power[32], 108.0 * 108.0, 200);
}

TEST(Pitch, ABuzzIsHeardAtItsFundamental) {
  for (const double hz : {80.0, 123.0, 220.0, 440.0}) {
    const auto track = track_pitch(made(0.5, [&](double t) { return buzz(t, hz); }));
    for (std::size_t frame = 3; frame + 6 < track.hz.size(); ++frame) {
      EXPECT_NEAR(track.hz[frame], hz, 0.02 * hz) << hz << " at " << frame;
    }
  }
}

TEST(Pitch, NoiseAndSilenceAreUnvoiced) {
  std::uint32_t state = 1;
  const auto noise = made(0.5, [&](double) {
    state = state * 1664525U + 1013904223U;
    return static_cast<double>(state >> 8U) / (1U << 23U) - 1;
  });
  const auto track = track_pitch(noise);
  const auto voiced =
      std::count_if(track.hz.begin(), track.hz.end(), [](float x) { return x > 0; });
  EXPECT_LT(voiced, static_cast<std::ptrdiff_t>(track.hz.size() / 10));
  const auto silent = track_pitch(std::vector<float>(8000));
  EXPECT_THAT(silent.hz, testing::Each(0.0F));
}

TEST(Pitch, JitterAndShimmerMeasureIrregularCycles) {
  const auto even = made(0.5, [](double t) { return buzz(t, 100); });
  // Every second cycle has 4/5 of the amplitude: 20 log10(1 / .8) = 1.94 dB.
  const auto uneven = made(0.5, [](double t) {
    return buzz(t, 100) * (static_cast<int>(t * 100) % 2 == 0 ? 1.0 : 0.8);
  });
  const auto mean = [](const std::vector<float>& samples, bool is_jitter) {
    const auto cycles = track_cycles(samples, track_pitch(samples));
    return moments_of(is_jitter ? cycles.jitter : cycles.shimmer_db, false).mean;
  };
  EXPECT_LT(mean(even, true), 0.003);
  EXPECT_LT(mean(even, false), 0.2);
  EXPECT_NEAR(mean(uneven, false), 1.94, 0.5);
}

TEST(Formants, ResonancesOfAFilterAreFound) {
  // Impulses of 100 Hz through two resonators, at 700 and 1700 Hz, 80 Hz wide.
  std::vector<double> signal(1600);
  for (std::size_t i = 0; i < signal.size(); i += 160) signal[i] = 1;
  for (const double hz : {700.0, 1700.0}) {
    const double r = std::exp(-std::numbers::pi * 80 / 16000);
    const double c = 2 * r * std::cos(2 * std::numbers::pi * hz / 16000);
    for (std::size_t i = 0; i < signal.size(); ++i) {
      signal[i] += (i > 0 ? c * signal[i - 1] : 0) - (i > 1 ? r * r * signal[i - 2] : 0);
    }
  }
  std::vector<float> frame(signal.begin() + 800, signal.begin() + 800 + kFrameSamples);
  for (float& value : frame) value *= 0.05F;
  const auto formants = find_formants(frame);
  std::vector<double> found;
  for (const auto& each : formants) found.push_back(each.hz);
  EXPECT_THAT(found, testing::Contains(testing::DoubleNear(700, 60)));
  EXPECT_THAT(found, testing::Contains(testing::DoubleNear(1700, 80)));
}

TEST(Contours, MomentsLeaveOutWhatIsNotThere) {
  const float none = std::nanf("");
  const Moments moments = moments_of({none, 1, 3, none}, true);
  EXPECT_DOUBLE_EQ(moments.mean, 2);
  EXPECT_DOUBLE_EQ(moments.spread, 0.5);
  EXPECT_DOUBLE_EQ(moments_of({1, 3}, false).spread, 1);
  EXPECT_DOUBLE_EQ(moments_of({none}, true).mean, 0);
  EXPECT_DOUBLE_EQ(percentile_of({4, none, 1, 2, 3, 5}, 0.5), 3);
  EXPECT_DOUBLE_EQ(percentile_of({0, 10}, 0.2), 2);
}

TEST(Contours, SlopesAreThoseOfMonotoneStretches) {
  // Up by 3 in two frames, down by 2 in one; a frame is 10 ms.
  const Slopes slopes = slopes_of({0, 1, 3, 1});
  EXPECT_NEAR(slopes.rising.mean, 150, 1e-6);
  EXPECT_NEAR(slopes.falling.mean, -200, 1e-6);
  const Slopes broken = slopes_of({0, 1, std::nanf(""), 5, 4});
  EXPECT_NEAR(broken.rising.mean, 100, 1e-6);
  EXPECT_NEAR(broken.falling.mean, -100, 1e-6);
}

TEST(Acoustic, ThereAre88ValuesWithNamesOfTheirOwn) {
  const auto& names = acoustic_names();
  EXPECT_EQ(names.size(), 88U);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 88U);
  EXPECT_EQ(names.front(), "F0semitoneFrom27.5Hz_sma3nz_amean");
  EXPECT_EQ(names.back(), "equivalentSoundLevel_dBp");
}

TEST(Acoustic, AHigherAndLouderVoiceIsMeasuredSo) {
  const auto low =
      acoustic_features(as_integers(made(1, [](double t) { return 0.3 * buzz(t, 110); })));
  const auto high =
      acoustic_features(as_integers(made(1, [](double t) { return 0.6 * buzz(t, 220); })));
  EXPECT_NEAR(value_of(low, "F0semitoneFrom27.5Hz_sma3nz_amean"), 24, 0.2);
  EXPECT_NEAR(value_of(high, "F0semitoneFrom27.5Hz_sma3nz_amean"), 36, 0.2);
  EXPECT_NEAR(
      value_of(high, "equivalentSoundLevel_dBp") - value_of(low, "equivalentSoundLevel_dBp"), 6.02,
      0.05);
  EXPECT_GT(value_of(high, "loudness_sma3_amean"), value_of(low, "loudness_sma3_amean"));
  EXPECT_GT(value_of(low, "HNRdBACF_sma3nz_amean"), 15);
  EXPECT_NEAR(value_of(low, "MeanVoicedSegmentLengthSec"), 0.97, 0.05);
}

TEST(Acoustic, NothingToMeasureIsAReasonAndNoVector) {
  EXPECT_THROW(acoustic_features(std::vector<std::int16_t>(16000)), DataError);
  EXPECT_THROW(acoustic_features(std::vector<std::int16_t>(16000, 7)), DataError);
  EXPECT_THROW(acoustic_features(std::vector<std::int16_t>(1599, 7)), DataError);
}

TEST(Words, AreSplitAtWhatIsNoLetterButEmoticonsStay) {
  EXPECT_THAT(split_words("Don't STOP, caf\xC3\xA9! :) 24-7"),
              testing::ElementsAre("don't", "stop", "caf\xC3\xA9", ":)", "24", "7"));
}

TEST(Words, ValenceTurnsRoundBehindANegation) {
  const auto sum = [](const char* text) { return text_features(text)[kTextBuckets]; };
  EXPECT_GT(sum("a good day"), 1);
  EXPECT_LT(sum("not a good day"), -1);
  EXPECT_LT(sum("a terrible day"), -1);
  EXPECT_EQ(sum("the day"), 0);
}

TEST(Words, FeaturesAreFiniteAndOfOneLength) {
  for (const char* text : {"a", "Ja, gut!", "\xE4\xBD\xA0\xE5\xA5\xBD", "\xFF\xFE broken"}) {
    const auto features = text_features(text);
    ASSERT_EQ(features.size(), kTextBuckets + kTextStatistics);
    double squares = 0;
    for (std::size_t i = 0; i < features.size(); ++i) {
      ASSERT_TRUE(std::isfinite(features[i])) << text;
      if (i < kTextBuckets) squares += features[i] * features[i];
    }
    EXPECT_NEAR(squares, 1, 1e-5) << text;
  }
  EXPECT_THROW(text_features("  ... "), DataError);
}

TEST(GraphNetwork, ConvolutionPaddingAndPoolingFollowTensorFlow) {
  // 3x3 ones kernel, stride 2, SAME, on a 4x4 picture of ones: the padding is at the end, so
  // windows hold 9, 6, 6, 4 ones.
  const std::string graph = R"({"modelTopology": {"node": [
    {"name": "x", "op": "Placeholder"}, {"name": "k", "op": "Const"},
    {"name": "c", "op": "Conv2D", "input": ["x", "k"], "attr": {
      "strides": {"list": {"i": ["1", "2", "2", "1"]}}, "padding": {"s": "U0FNRQ=="}}},
    {"name": "m", "op": "MaxPool", "input": ["c"], "attr": {
      "strides": {"list": {"i": ["1", "2", "2", "1"]}}, "padding": {"s": "VkFMSUQ="},
      "ksize": {"list": {"i": ["1", "2", "2", "1"]}}}}]},
    "weightsManifest": [{"weights": [{"name": "k", "shape": [3, 3, 1, 1], "dtype": "float32"}]}]})";
  const std::vector<float> ones(9, 1.0F);
  const GraphNetwork network(graph, {reinterpret_cast<const char*>(ones.data()), 36});
  const auto outputs = network.run({4, 4, 1, std::vector<float>(16, 1.0F)}, {"c", "m"});
  EXPECT_THAT(outputs.at("c").values, testing::ElementsAre(9, 6, 6, 4));
  EXPECT_THAT(outputs.at("m").values, testing::ElementsAre(9));
  EXPECT_THROW(static_cast<void>(network.run({4, 4, 1, std::vector<float>(16)}, {"gone"})),
               ArtifactError);
  EXPECT_THROW(static_cast<void>(network.run({4, 4, 2, std::vector<float>(32)}, {"c"})),
               ArtifactError);
  EXPECT_THROW(GraphNetwork(graph, "short"), ArtifactError);
  EXPECT_THROW(GraphNetwork("{", ""), ArtifactError);
}

TEST(GraphNetwork, TheExpressionNetworkRuns) {
  const GraphNetwork network(expression_graph(), expression_weights());
  FeatureMap face{64, 64, 1, std::vector<float>(64 * 64, 0.1F)};
  const auto outputs = network.run(face, {"StatefulPartitionedCall/model_1/predictions/Softmax"});
  const auto& shares = outputs.begin()->second.values;
  ASSERT_EQ(shares.size(), 7U);
  float sum = 0;
  for (const float share : shares) sum += share;
  EXPECT_NEAR(sum, 1, 1e-5);
}

TEST(Faces, ADarkPictureHasNone) {
  const auto faces = make_face_extractor("");
  auto summary = faces->start();
  summary->add({0, 320, 240, PixelForm::kGray, std::vector<std::uint8_t>(320 * 240, 20)});
  EXPECT_EQ(summary->found(), 0);
  EXPECT_THROW(static_cast<void>(summary->finish()), DataError);
  EXPECT_THROW(make_face_extractor("/nonexistent.xml"), ArtifactError);
}

TEST(Pauses, SpeechIsCutWhereItStops) {
  PauseCutter cutter;
  // Sound in 0.5-2.0 s and 3.0-4.0 s over weak noise.
  std::uint32_t state = 1;
  std::vector<std::int16_t> samples(5 * 16000);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    state = state * 1664525U + 1013904223U;
    const double t = static_cast<double>(i) / 16000;
    const bool is_loud = (t >= 0.5 && t < 2) || (t >= 3 && t < 4);
    samples[i] =
        static_cast<std::int16_t>((is_loud ? 4000 : 0) * std::sin(2 * std::numbers::pi * 200 * t) +
                                  static_cast<double>(state >> 29U));
  }
  cutter.add(0, samples);
  const auto cuts = cutter.cuts();
  ASSERT_EQ(cuts.size(), 2U);
  EXPECT_NEAR(cuts[0].first, 0.4, 0.03);
  EXPECT_NEAR(cuts[0].second, 2.1, 0.03);
  EXPECT_NEAR(cuts[1].first, 2.9, 0.03);
  EXPECT_NEAR(cuts[1].second, 4.1, 0.03);
}

}  // namespace
}  // namespace hardy
