// Parity of the prediction runtime with the training module, for every encoder option, under every
// pattern.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "hardy/recogniser.h"
#include "methods/hardymer/tuning_net.h"
#include "nn/backbone.h"
#include "support/random_bundle.h"
#include "support/temp_dir.h"

namespace hardy {
namespace {

constexpr double kTolerance = 1e-5;

/// Outputs of the training module for the same utterances.
struct Reference {
  at::Tensor logits;
  std::vector<at::Tensor> rebuilt;  ///< in scaled units
};

FeatureTable scaled_table(const TensorFile& file, const BundleInfo& info,
                          const test::RandomUtterances& data) {
  const auto n = static_cast<std::int64_t>(data.views.size());
  FeatureTable table;
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    const auto tensor = [&](std::span<const float> values) {
      return at::tensor(std::vector<float>(values.begin(), values.end()));
    };
    const auto prefix = "scaling." + info.modalities[m].name;
    auto scaled = tensor(data.features[m])
                      .view({n, info.modalities[m].width})
                      .sub(tensor(file.floats(prefix + ".mean")))
                      .div(tensor(file.floats(prefix + ".deviation")));
    if (info.limits_features) {
      scaled.clamp_(tensor(file.floats(prefix + ".lowest")),
                    tensor(file.floats(prefix + ".highest")));
    }
    table.features.push_back(scaled);
  }
  table.present = data.patterns;
  for (const auto& view : data.views) table.speakers.push_back(view.speaker);
  return table;
}

/// Maps the table by the tuning nets of the bundle.
void tune(FeatureTable& table, const TensorFile& file, const BundleInfo& info) {
  Generator generator(1);
  for (std::size_t m = 0; m < info.modalities.size(); ++m) {
    ParameterSet parameters{at::kCPU};
    const TuningAdapter net(info.modalities[m].width, parameters, generator);
    parameters.load(file, "tuning." + info.modalities[m].name + ".");
    table.features[m] = net.feature(table.features[m].all());
  }
}

Reference run_module(const TensorFile& file, const BundleInfo& info,
                     const test::RandomUtterances& data, const std::vector<std::int64_t>& offsets,
                     Pattern available) {
  at::NoGradGuard no_gradient;
  BackboneOptions options;
  options.modality_names = info.modality_names();
  for (const auto& modality : info.modalities) options.widths.push_back(modality.width);
  options.outputs = info.outputs();
  options.encoder = info.encoder;
  Generator generator(1);
  ParameterSet parameters{at::kCPU};
  const Backbone backbone(options, parameters, generator);
  parameters.load(file, "model.");
  FeatureTable table = scaled_table(file, info, data);
  if (info.reads_tuned) tune(table, file, info);
  BatchPlan plan;
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d) {
    for (std::int64_t i = offsets[d]; i < offsets[d + 1]; ++i) {
      plan.rows.push_back(
          {i, i - offsets[d], table.speakers[static_cast<std::size_t>(i)], available});
    }
    plan.close_dialogue();
  }
  DropoutStream off;
  const Batch batch = make_batch(table, plan);
  const auto fused = backbone.fuse(batch, backbone.encode(batch, off), off);
  std::vector<std::int64_t> every;
  for (std::int64_t i = 0; i < batch.rows; ++i) every.push_back(i);
  return {backbone.classify(fused),
          backbone.reconstruct(fused, std::vector(info.modalities.size(), every))};
}

/// The largest difference, relative where numbers exceed one.
double difference(std::span<const float> ours, const at::Tensor& theirs) {
  double largest = 0;
  const auto flat = theirs.contiguous();
  const auto* values = flat.data_ptr<float>();
  EXPECT_EQ(static_cast<std::int64_t>(ours.size()), flat.numel());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto expected = static_cast<double>(values[i]);
    largest = std::max(largest, std::abs(static_cast<double>(ours[i]) - expected) /
                                    std::max(1.0, std::abs(expected)));
  }
  return largest;
}

/// A reconstruction as returned to callers: in the units of the features, or tuned features
/// unchanged.
at::Tensor in_given_units(const at::Tensor& rebuilt, const TensorFile& file, const BundleInfo& info,
                          std::size_t m) {
  if (info.reads_tuned) return rebuilt;
  const auto prefix = "scaling." + info.modalities[m].name;
  const auto as_tensor = [](std::span<const float> values) {
    return at::tensor(std::vector<float>(values.begin(), values.end()));
  };
  return rebuilt * as_tensor(file.floats(prefix + ".deviation")) +
         as_tensor(file.floats(prefix + ".mean"));
}

void expect_parity(const BundleInfo& info, std::int64_t hidden_seed) {
  const test::TempDir dir;
  const auto seed = static_cast<std::uint64_t>(hidden_seed);
  const TensorFile file = test::random_bundle(info, seed);
  save_tensor_file(dir.path() / "model", file);
  const auto recogniser = Recogniser::load(dir.path() / "model");
  const int modalities = static_cast<int>(info.modalities.size());
  // A dialogue of 9, an empty one, two single utterances, one of 4.
  const std::vector<std::int64_t> offsets = {0, 9, 9, 10, 11, 15};
  const test::RandomUtterances data(info, 15, seed + 1);
  const test::RandomUtterances complete(info, 15, seed + 2, Pattern::complete(modalities));
  auto patterns = all_patterns(modalities);
  Workspace workspace;
  double worst = 0;
  for (const auto* input : {&data, &complete}) {
    for (const auto pattern : patterns) {
      const auto expected = run_module(file, info, *input, offsets, pattern);
      PredictOptions options;
      options.available = pattern;
      options.reconstructs = true;
      const auto ours = recogniser.predict(input->views, offsets, workspace, options);
      worst = std::max(worst, difference(ours.logits, expected.logits));
      for (std::size_t m = 0; m < info.modalities.size(); ++m) {
        if (ours.reconstruction[m].empty()) continue;
        worst = std::max(worst, difference(ours.reconstruction[m],
                                           in_given_units(expected.rebuilt[m], file, info, m)));
      }
      if (modalities > 3 && input == &complete) break;
    }
  }
  EXPECT_LT(worst, kTolerance);
}

using Options = std::tuple<Norm, Position, SpeakerBias, Decoder, int, int, int>;

class Parity : public testing::TestWithParam<Options> {};

TEST_P(Parity, SameOutputsAsTheTrainedModule) {
  const auto [norm, position, speaker, decoder, heads, modalities, classes] = GetParam();
  EncoderConfig encoder;
  encoder.hidden = 32;
  encoder.depth = 3;
  encoder.heads = heads;
  encoder.norm = norm;
  encoder.position = position;
  encoder.speaker = speaker;
  encoder.decoder = decoder;
  encoder.decoder_width = 48;
  std::vector<std::int64_t> widths;
  for (int m = 0; m < modalities; ++m) widths.push_back(20 + 7 * m);
  auto info = test::bundle_info(widths, classes, encoder);
  info.limits_features = encoder.norm == Norm::kLayer;
  expect_parity(info, 3);
}

INSTANTIATE_TEST_SUITE_P(
    EncoderOptions, Parity,
    testing::Combine(testing::Values(Norm::kNone, Norm::kLayer),
                     testing::Values(Position::kNone, Position::kRelative),
                     testing::Values(SpeakerBias::kNone, SpeakerBias::kRelation),
                     testing::Values(Decoder::kTwoLayer, Decoder::kLinear), testing::Values(1, 4),
                     testing::Values(3), testing::Values(0, 4)));

INSTANTIATE_TEST_SUITE_P(NumbersOfModalities, Parity,
                         testing::Values(Options{Norm::kNone, Position::kNone, SpeakerBias::kNone,
                                                 Decoder::kTwoLayer, 2, 2, 6},
                                         Options{Norm::kLayer, Position::kRelative,
                                                 SpeakerBias::kRelation, Decoder::kLinear, 2, 2, 2},
                                         Options{Norm::kNone, Position::kNone, SpeakerBias::kNone,
                                                 Decoder::kTwoLayer, 2, 6, 4},
                                         Options{Norm::kLayer, Position::kNone,
                                                 SpeakerBias::kRelation, Decoder::kTwoLayer, 2, 6,
                                                 0}));

TEST(Parity, AtTheWidthsOfIemocap) {
  EncoderConfig encoder;  // hidden 256, depth 4, 2 heads
  auto info = test::bundle_info({512, 1024, 1024}, 4, encoder);
  info.limits_features = true;
  expect_parity(info, 4);
}

TEST(Parity, OfTunedFeaturesForEveryNumberOfModalities) {
  EncoderConfig encoder;
  encoder.hidden = 32;
  encoder.depth = 2;
  for (int modalities = 1; modalities <= 6; ++modalities) {
    SCOPED_TRACE(modalities);
    std::vector<std::int64_t> widths;
    for (int m = 0; m < modalities; ++m) widths.push_back(1 + 9 * m);
    encoder.norm = modalities % 2 == 0 ? Norm::kLayer : Norm::kNone;
    auto info = test::bundle_info(widths, modalities % 3 == 0 ? 0 : 4, encoder);
    info.reads_tuned = true;
    info.limits_features = modalities % 2 == 1;
    expect_parity(info, 5);
  }
}

TEST(Parity, OfTunedFeaturesAtTheWidthsOfIemocap) {
  auto info = test::bundle_info({512, 1024, 1024}, 4, EncoderConfig{});
  info.reads_tuned = true;
  expect_parity(info, 6);
}

}  // namespace
}  // namespace hardy
