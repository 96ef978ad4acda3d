#include "corpus/synth/modality_drawer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace hardy {
namespace {

constexpr int kPrivateFactors = 6;         ///< latent factors of one modality
constexpr double kCommonNoise = 0.3;       ///< part of the evidence noise that modalities share
constexpr double kSpeakerEvidence = 0.04;  ///< variance of a speaker's offset, evidence axes
constexpr double kSpeakerFactor = 0.25;    ///< variance of a speaker's offset, private factors
constexpr double kSpeakerColumn = 0.03;    ///< variance of a speaker's offset, single columns
constexpr double kColumnNoise = 0.20;      ///< variance of a column's own noise
/// What a classifier loses because it learns from few utterances of few speakers; measured.
constexpr double kProbeLoss = 0.022;
constexpr double kLatentShare = 0.75;  ///< variance of a column that comes from latent factors

/// Index of each utterance's speaker; a dialogue without known speakers is one speaker.
std::vector<std::size_t> number_speakers(const Corpus& corpus) {
  std::map<std::string, std::size_t> numbers;
  std::vector<std::size_t> result;
  for (const auto& utterance : corpus.utterances) {
    const auto& dialogue = corpus.dialogues[static_cast<std::size_t>(utterance.dialogue)];
    const std::string name =
        utterance.speaker.empty() ? "dialogue " + dialogue.id : utterance.speaker;
    result.push_back(numbers.emplace(name, numbers.size()).first->second);
  }
  return result;
}

}  // namespace

std::vector<double> draw_normals(Generator& generator, std::size_t count) {
  std::vector<double> values(count);
  for (auto& value : values) value = draw_normal(generator);
  return values;
}

ModalityDrawer::ModalityDrawer(const Corpus& corpus, const std::vector<UtterancePlan>& plans,
                               const std::vector<CommonDraw>& common, const DrawOptions& options,
                               int modality)
    : corpus_(corpus),
      plans_(plans),
      common_(common),
      space_(corpus),
      seeds_(options.seed),
      modality_(modality),
      width_(options.modalities[static_cast<std::size_t>(modality)].width) {
  axes_ = static_cast<std::size_t>(space_.axes());
  // Narrow modalities get fewer factors, so that evidence stays separable from them.
  shared_ = static_cast<std::size_t>(std::min<std::int64_t>(kSharedFactors, width_ / 6));
  private_ = static_cast<std::size_t>(std::min<std::int64_t>(kPrivateFactors, width_ / 6));
  draw_columns();
  draw_speakers();
  draw_gains(options.modalities[static_cast<std::size_t>(modality)].strength);
}

void ModalityDrawer::draw_rows(std::size_t first, std::span<float> rows) const {
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t i = 0; i < rows.size() / width; ++i) {
    draw_row(first + i, rows.subspan(i * width, width));
  }
}

void ModalityDrawer::draw_columns() {
  const auto width = static_cast<std::size_t>(width_);
  Generator generator = seeds_.stream("columns", {modality_});
  const double loading = std::sqrt(kLatentShare / static_cast<double>(latents()));
  for (std::size_t c = 0; c < width; ++c) {
    const double scale = std::exp(0.5 * draw_normal(generator));
    scale_.push_back(static_cast<float>(scale));
    offset_.push_back(static_cast<float>(scale * draw_normal(generator)));
  }
  loadings_.resize(latents() * width);
  for (std::size_t k = 0; k < latents(); ++k) {
    for (std::size_t c = 0; c < width; ++c) {
      loadings_[k * width + c] = static_cast<float>(loading * draw_normal(generator)) * scale_[c];
    }
  }
}

void ModalityDrawer::draw_gains(double strength) {
  Generator generator = seeds_.stream("gains", {modality_});
  StrengthTask task;
  task.modality = modality_;
  task.strength = strength + kProbeLoss;
  for (std::size_t a = 0; a < axes_; ++a) {
    task.axis_gains.push_back(0.85 + 0.3 * draw_unit(generator));
  }
  // A classifier reads the axes through noisy columns: the variance of their least-squares
  // estimate from `width` random loadings.
  const double columns =
      std::max(2.0, static_cast<double>(width_) - static_cast<double>(latents()) - 1);
  const double loading = kLatentShare / static_cast<double>(latents());
  const double reading = std::sqrt((kColumnNoise + kSpeakerColumn) / (loading * columns));
  for (std::size_t i = 0; i < common_.size(); ++i) {
    Generator of_row = row_generator(i);
    const auto own = draw_normals(of_row, latents());
    for (std::size_t a = 0; a < axes_; ++a) {
      task.noise.push_back(evidence_noise(common_[i].noise[a], own[a]) +
                           speaker_evidence_[speaker_of_[i] * axes_ + a] +
                           reading * draw_normal(generator));
    }
  }
  const double gain = solve_gain(corpus_, plans_, task);
  for (const double axis_gain : task.axis_gains) gains_.push_back(gain * axis_gain);
}

Generator ModalityDrawer::row_generator(std::size_t i) const {
  return seeds_.stream("features", {modality_, static_cast<std::int64_t>(i)});
}

double ModalityDrawer::evidence_noise(double common, double own) {
  return std::sqrt(kCommonNoise) * common + std::sqrt(1 - kCommonNoise) * own;
}

void ModalityDrawer::draw_speakers() {
  speaker_of_ = number_speakers(corpus_);
  const std::size_t speakers =
      speaker_of_.empty() ? 0 : *std::max_element(speaker_of_.begin(), speaker_of_.end()) + 1;
  const auto width = static_cast<std::size_t>(width_);
  speaker_rows_.resize(speakers * width);
  for (std::size_t s = 0; s < speakers; ++s) {
    Generator generator = seeds_.stream("speaker", {modality_, static_cast<std::int64_t>(s)});
    auto latent = draw_normals(generator, latents());
    for (std::size_t k = 0; k < latents(); ++k) {
      latent[k] *= k < axes_             ? std::sqrt(kSpeakerEvidence)
                   : k < axes_ + shared_ ? 0.0
                                         : std::sqrt(kSpeakerFactor);
    }
    speaker_evidence_.insert(speaker_evidence_.end(), latent.begin(),
                             latent.begin() + static_cast<std::ptrdiff_t>(axes_));
    const std::span<float> row(speaker_rows_.data() + s * width, width);
    for (std::size_t c = 0; c < width; ++c) {
      row[c] = offset_[c] +
               scale_[c] * static_cast<float>(std::sqrt(kSpeakerColumn) * draw_normal(generator));
    }
    add_latent(latent, row);
  }
}

void ModalityDrawer::add_latent(const std::vector<double>& latent, std::span<float> row) const {
  for (std::size_t k = 0; k < latent.size(); ++k) {
    const auto value = static_cast<float>(latent[k]);
    const float* loading = loadings_.data() + k * row.size();
    for (std::size_t c = 0; c < row.size(); ++c) row[c] += value * loading[c];
  }
}

std::vector<double> ModalityDrawer::draw_latent(std::size_t i, Generator& generator) const {
  const UtterancePlan& plan = plans_[i];
  const bool is_odd = plan.odd_modality == modality_;
  const float label = is_odd ? plan.odd_label : corpus_.utterances[i].label;
  auto latent = draw_normals(generator, latents());
  for (std::size_t a = 0; a < axes_; ++a) {
    latent[a] = gains_[a] * plan.intensity * space_.mean(label, static_cast<int>(a)) +
                evidence_noise(common_[i].noise[a], latent[a]);
  }
  const double shared_gain = std::sqrt(1 - 0.6 * (1 - plan.intensity));
  const double private_gain = std::sqrt(1 + 0.8 * (1 - plan.intensity));
  for (std::size_t f = 0; f < shared_; ++f) {
    double& factor = latent[axes_ + f];
    factor = shared_gain * (is_odd ? factor : common_[i].shared[f]);
  }
  for (std::size_t f = 0; f < private_; ++f) latent[axes_ + shared_ + f] *= private_gain;
  return latent;
}

void ModalityDrawer::draw_row(std::size_t i, std::span<float> row) const {
  Generator generator = row_generator(i);
  const auto latent = draw_latent(i, generator);
  const float* speaker = speaker_rows_.data() + speaker_of_[i] * row.size();
  const auto deviation = static_cast<float>(std::sqrt(kColumnNoise));
  for (std::size_t c = 0; c < row.size(); ++c) {
    row[c] = speaker[c] + deviation * scale_[c] * static_cast<float>(draw_normal(generator));
  }
  add_latent(latent, row);
}

}  // namespace hardy
