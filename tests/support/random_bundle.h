// Bundles with random weights: the network of any configuration without training one.
#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "base/random.h"
#include "hardy/bundle.h"
#include "hardy/recogniser.h"
#include "hardy/version.h"

namespace hardy::test {

/// A description with modalities m0, m1, .. of the given widths.
inline BundleInfo bundle_info(const std::vector<std::int64_t>& widths, int classes,
                              const EncoderConfig& encoder) {
  BundleInfo info;
  for (std::size_t m = 0; m < widths.size(); ++m) {
    info.modalities.push_back({fmt::format("m{}", m), widths[m]});
  }
  for (int c = 0; c < classes; ++c) info.class_names.push_back(fmt::format("class{}", c));
  info.encoder = encoder;
  info.trained = Pattern::complete(static_cast<int>(widths.size()));
  info.data_name = "random";
  info.data_checksum = "none";
  info.is_synthetic = true;
  info.program_version = program_version();
  return info;
}

/// Draws every array that the network of `info` needs.
class WeightDrawer {
 public:
  WeightDrawer(TensorFile& file, std::uint64_t seed) : file_(file), generator_(seed) {}

  void draw(const std::string& name, const std::vector<std::int64_t>& shape, double size,
            double centre = 0) {
    std::int64_t count = 1;
    for (const auto length : shape) count *= length;
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) {
      value = static_cast<float>(centre + size * (2 * draw_unit(generator_) - 1));
    }
    file_.add(name, shape, std::move(values));
  }

  void layer(const std::string& name, std::int64_t in, std::int64_t out, bool has_bias = true) {
    draw(name + ".weight", {out, in}, 1.0 / std::sqrt(static_cast<double>(in)));
    if (has_bias) draw(name + ".bias", {out}, 0.3);
  }

  void norm(const std::string& name, std::int64_t width) {
    draw(name + ".weight", {width}, 0.5, 1);
    draw(name + ".bias", {width}, 0.2);
  }

  void units(const std::string& name, const EncoderConfig& encoder) {
    const std::int64_t width = encoder.hidden;
    const std::int64_t entries = (encoder.speaker == SpeakerBias::kRelation ? 2 : 1) *
                                 (encoder.position == Position::kRelative ? 17 : 1);
    for (std::int64_t u = 0; u < encoder.depth; ++u) {
      const auto unit = fmt::format("{}.{}", name, u);
      layer(unit + ".qkv", width, 3 * width);
      layer(unit + ".fc1", width, width);
      layer(unit + ".fc2", width, width);
      if (encoder.norm == Norm::kLayer) {
        norm(unit + ".norm1", width);
        norm(unit + ".norm2", width);
      }
      if (entries > 1) draw(unit + ".relation", {encoder.heads, entries}, 1);
    }
    if (encoder.norm == Norm::kLayer) norm(name + ".norm", width);
  }

 private:
  TensorFile& file_;
  Generator generator_;
};

/// The file of a trained model of `info`, with random weights.
inline TensorFile random_bundle(const BundleInfo& info, std::uint64_t seed = 1) {
  TensorFile file;
  WeightDrawer drawer(file, seed);
  const EncoderConfig& encoder = info.encoder;
  const std::int64_t hidden = encoder.hidden;
  const auto stacked = hidden * static_cast<std::int64_t>(info.modalities.size());
  std::int64_t decoder_in = stacked;
  if (encoder.decoder == Decoder::kTwoLayer) {
    drawer.layer("model.decoder.hidden", stacked, encoder.decoder_width);
    decoder_in = encoder.decoder_width;
  }
  for (const auto& [name, width] : info.modalities) {
    if (info.reads_tuned) {
      drawer.layer("tuning." + name + ".adapter1", width, width);
      drawer.layer("tuning." + name + ".adapter2", width, width);
    }
    drawer.layer("model.embed." + name, width, hidden);
    drawer.units("model.expert." + name, encoder);
    drawer.layer("model.head." + name, hidden, info.outputs());
    drawer.draw("model.joint." + name + ".weight", {stacked, hidden},
                1.0 / std::sqrt(static_cast<double>(stacked)));
    drawer.layer("model.decoder." + name, decoder_in, width);
    drawer.draw("scaling." + name + ".mean", {width}, 1);
    drawer.draw("scaling." + name + ".deviation", {width}, 0.5, 1.5);
    if (!info.limits_features) continue;
    drawer.draw("scaling." + name + ".lowest", {width}, 0.5, -1);
    drawer.draw("scaling." + name + ".highest", {width}, 0.5, 1);
  }
  drawer.draw("model.joint.bias", {stacked}, 0.3);
  drawer.layer("model.classifier", stacked, info.outputs());
  set_bundle_info(file, info);
  return file;
}

/// The same, but 3e38 as a feature of m0 certainly overflows.
inline TensorFile overflowing_bundle(const BundleInfo& info) {
  TensorFile file = random_bundle(info);
  auto& deviations = std::get<std::vector<float>>(file.arrays.at("scaling.m0.deviation").values);
  for (float& deviation : deviations) deviation = 0.25F;
  return file;
}

inline Recogniser random_recogniser(const BundleInfo& info, const std::filesystem::path& file) {
  save_tensor_file(file, random_bundle(info));
  return Recogniser::load(file);
}

/// Random utterances with random patterns, never empty. Shapes: features [M] of [n, d_m].
struct RandomUtterances {
  std::vector<std::vector<float>> features;
  std::vector<Pattern> patterns;
  std::vector<UtteranceView> views;

  RandomUtterances(const BundleInfo& info, std::size_t n, std::uint64_t seed,
                   Pattern pattern = {}) {
    Generator generator(seed);
    const int modalities = static_cast<int>(info.modalities.size());
    for (const auto& modality : info.modalities) {
      std::vector<float> values(n * static_cast<std::size_t>(modality.width));
      for (float& value : values) value = static_cast<float>(2 * draw_normal(generator));
      features.push_back(std::move(values));
    }
    for (std::size_t i = 0; i < n; ++i) {
      const auto drawn =
          static_cast<std::uint32_t>(1 + draw_index(generator, (1 << modalities) - 1));
      patterns.push_back(pattern.empty() ? Pattern(drawn) : pattern);
      UtteranceView view;
      view.speaker = draw_index(generator, 3) - 1;
      for (int m = 0; m < modalities; ++m) {
        const auto place = static_cast<std::size_t>(m);
        if (!patterns[i].has(m)) continue;
        view.features[place] =
            features[place].data() + i * static_cast<std::size_t>(info.modalities[place].width);
      }
      views.push_back(view);
    }
  }
};

}  // namespace hardy::test
