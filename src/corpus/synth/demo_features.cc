// Drawn features for given labels, declared in demo_corpus.h.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/random.h"
#include "corpus/synth/demo_corpus.h"
#include "corpus/synth/demo_strength.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr int kSharedFactors = 6;        ///< latent factors in every modality
constexpr int kPrivateFactors = 6;       ///< latent factors of one modality
constexpr double kCommonNoise = 0.3;     ///< share of the evidence noise common to all modalities
constexpr double kDialogueFactor = 0.3;  ///< share of the shared factors that belongs to a dialogue
constexpr double kSpeakerEvidence = 0.04;  ///< variance of a speaker's offset, evidence axes
constexpr double kSpeakerFactor = 0.25;    ///< variance of a speaker's offset, private factors
constexpr double kSpeakerColumn = 0.03;    ///< variance of a speaker's offset, single columns
constexpr double kColumnNoise = 0.20;      ///< variance of a column's own noise
/// Accuracy that a classifier loses by learning from few utterances of few speakers; measured.
constexpr double kProbeLoss = 0.022;
constexpr double kLatentShare = 0.75;  ///< share of a column's variance from latent factors

/// The part of an utterance common to every modality.
struct CommonDraw {
  std::vector<double> noise;   ///< [E]
  std::vector<double> shared;  ///< [kSharedFactors]
};

std::vector<double> draw_normals(Generator& generator, std::size_t count) {
  std::vector<double> values(count);
  for (auto& value : values) value = draw_normal(generator);
  return values;
}

/// A label other than `label`, drawn by its frequency in the corpus; for a value, the opposite one.
float draw_other_label(const Corpus& corpus, float label, Generator& generator) {
  if (corpus.label_kind == LabelKind::kValue) return -label;
  for (int attempt = 0; attempt < 64; ++attempt) {
    const auto i = static_cast<std::size_t>(draw_index(generator, corpus.size()));
    if (corpus.utterances[i].label != label) return corpus.utterances[i].label;
  }
  return static_cast<float>((static_cast<std::int64_t>(label) + 1) % corpus.class_count());
}

std::vector<UtterancePlan> plan_utterances(const Corpus& corpus, const DrawOptions& options) {
  const Seeds seeds(options.seed);
  const auto modalities = static_cast<std::int64_t>(options.modalities.size());
  std::vector<UtterancePlan> plans;
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    Generator generator = seeds.stream("difficulty", {i});
    const double kind = draw_unit(generator);
    const double place = draw_unit(generator);
    UtterancePlan plan;
    if (kind < options.ambiguous_rate) {
      plan.intensity = 0.35 * place;
    } else {
      plan.intensity = 0.7 + 0.3 * place;
      if (kind < options.ambiguous_rate + options.inconsistent_rate) {
        plan.odd_modality = static_cast<int>(draw_index(generator, modalities));
        plan.odd_label = draw_other_label(
            corpus, corpus.utterances[static_cast<std::size_t>(i)].label, generator);
      }
    }
    plans.push_back(plan);
  }
  return plans;
}

/// 1 - mean over modalities of the evidence for the true label; evidence for another label is
/// negative.
float difficulty_of(const UtterancePlan& plan, std::size_t modalities) {
  const auto m = static_cast<double>(modalities);
  const double speaking = plan.odd_modality < 0 ? m : m - 2;
  return static_cast<float>(std::clamp(1 - plan.intensity * speaking / m, 0.0, 1.0));
}

std::vector<CommonDraw> draw_common(const Corpus& corpus, const Seeds& seeds, int axes) {
  std::vector<CommonDraw> draws;
  for (std::int64_t d = 0; d < static_cast<std::int64_t>(corpus.dialogues.size()); ++d) {
    Generator of_dialogue = seeds.stream("dialogue", {d});
    const auto topic = draw_normals(of_dialogue, kSharedFactors);
    const Dialogue& dialogue = corpus.dialogues[static_cast<std::size_t>(d)];
    for (std::int64_t i = dialogue.first; i < dialogue.first + dialogue.count; ++i) {
      Generator generator = seeds.stream("common", {i});
      CommonDraw draw;
      draw.noise = draw_normals(generator, static_cast<std::size_t>(axes));
      draw.shared = draw_normals(generator, kSharedFactors);
      for (std::size_t f = 0; f < draw.shared.size(); ++f) {
        draw.shared[f] =
            std::sqrt(1 - kDialogueFactor) * draw.shared[f] + std::sqrt(kDialogueFactor) * topic[f];
      }
      draws.push_back(std::move(draw));
    }
  }
  return draws;
}

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

/// One modality: fixed loadings and speakers, then rows.
class ModalityDrawer {
 public:
  ModalityDrawer(const Corpus& corpus, const std::vector<UtterancePlan>& plans,
                 const std::vector<CommonDraw>& common, const DrawOptions& options, int modality)
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

  [[nodiscard]] std::vector<float> rows() const {
    const auto width = static_cast<std::size_t>(width_);
    std::vector<float> features(static_cast<std::size_t>(corpus_.size()) * width);
    for (std::size_t i = 0; i < common_.size(); ++i) {
      draw_row(i, {features.data() + i * width, width});
    }
    return features;
  }

 private:
  [[nodiscard]] std::size_t latents() const { return axes_ + shared_ + private_; }

  void draw_columns() {
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

  /// Solves for the evidence gains with the noise that draw_latent will add.
  void draw_gains(double strength) {
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

  [[nodiscard]] Generator row_generator(std::size_t i) const {
    return seeds_.stream("features", {modality_, static_cast<std::int64_t>(i)});
  }

  static double evidence_noise(double common, double own) {
    return std::sqrt(kCommonNoise) * common + std::sqrt(1 - kCommonNoise) * own;
  }

  void draw_speakers() {
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

  void add_latent(const std::vector<double>& latent, std::span<float> row) const {
    for (std::size_t k = 0; k < latent.size(); ++k) {
      const auto value = static_cast<float>(latent[k]);
      const float* loading = loadings_.data() + k * row.size();
      for (std::size_t c = 0; c < row.size(); ++c) row[c] += value * loading[c];
    }
  }

  /// The latent vector of one utterance: evidence, shared factors, private factors.
  [[nodiscard]] std::vector<double> draw_latent(std::size_t i, Generator& generator) const {
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

  void draw_row(std::size_t i, std::span<float> row) const {
    Generator generator = row_generator(i);
    const auto latent = draw_latent(i, generator);
    const float* speaker = speaker_rows_.data() + speaker_of_[i] * row.size();
    const auto deviation = static_cast<float>(std::sqrt(kColumnNoise));
    for (std::size_t c = 0; c < row.size(); ++c) {
      row[c] = speaker[c] + deviation * scale_[c] * static_cast<float>(draw_normal(generator));
    }
    add_latent(latent, row);
  }

  const Corpus& corpus_;
  const std::vector<UtterancePlan>& plans_;
  const std::vector<CommonDraw>& common_;
  EvidenceSpace space_;
  Seeds seeds_;
  int modality_;
  std::int64_t width_;
  std::size_t axes_ = 0;                  ///< E
  std::size_t shared_ = 0;                ///< shared factors in this modality
  std::size_t private_ = 0;               ///< private factors
  std::vector<double> gains_;             ///< [E]
  std::vector<float> scale_;              ///< [width]
  std::vector<float> offset_;             ///< [width]
  std::vector<float> loadings_;           ///< [latents, width], scaled by column
  std::vector<std::size_t> speaker_of_;   ///< [N]
  std::vector<double> speaker_evidence_;  ///< [speakers, E] offset on the evidence axes
  std::vector<float> speaker_rows_;       ///< [speakers, width] offset of column and speaker
};

/// Marks features as really missing; every utterance keeps one modality.
void draw_missing(Corpus& corpus, const DrawOptions& options) {
  if (options.missing_rate <= 0) return;
  const Seeds seeds(options.seed);
  const auto modalities = static_cast<std::int64_t>(corpus.modalities.size());
  for (std::int64_t i = 0; i < corpus.size(); ++i) {
    Generator generator = seeds.stream("missing", {i});
    const std::int64_t kept = draw_index(generator, modalities);
    for (std::int64_t m = 0; m < modalities; ++m) {
      // One modality is kept, so the others are removed more often to reach the rate.
      const double others = static_cast<double>(modalities) / static_cast<double>(modalities - 1);
      if (draw_unit(generator) >= options.missing_rate * others || m == kept) continue;
      ModalityData& modality = corpus.modalities[static_cast<std::size_t>(m)];
      modality.present[static_cast<std::size_t>(i)] = 0;
      const auto first = modality.features.begin() + i * modality.width;
      std::fill(first, first + modality.width, 0.0F);
    }
  }
}

void require_range(const char* name, double value, double low, double high) {
  if (value >= low && value <= high) return;
  throw ConfigError(
      fmt::format("synthetic features: {} = {}; it must lie in {}..{}", name, value, low, high));
}

void validate(const DrawOptions& options) {
  require_range("number of modalities", static_cast<double>(options.modalities.size()), 2,
                kMaxModalities);
  std::set<std::string> names;
  for (const auto& modality : options.modalities) {
    if (modality.name.empty() || !names.insert(modality.name).second) {
      throw ConfigError(fmt::format(
          "synthetic features: modality name '{}' is empty or given twice; name each once",
          modality.name));
    }
    require_range(("width of " + modality.name).c_str(), static_cast<double>(modality.width), 1,
                  65536);
    require_range(("strength of " + modality.name).c_str(), modality.strength, 0, 1);
  }
  require_range("ambiguous_rate", options.ambiguous_rate, 0, 1);
  require_range("inconsistent_rate", options.inconsistent_rate, 0, 1);
  require_range("ambiguous_rate + inconsistent_rate",
                options.ambiguous_rate + options.inconsistent_rate, 0, 1);
  const auto modalities = static_cast<double>(options.modalities.size());
  require_range("missing_rate", options.missing_rate, 0, (modalities - 1) / modalities);
}

}  // namespace

Corpus draw_features(const Corpus& labels_only, const DrawOptions& options) {
  validate(options);
  Corpus corpus = labels_only;
  corpus.true_difficulty.clear();
  const auto size = static_cast<std::size_t>(corpus.size());
  corpus.modalities = {{"none", 1, std::vector<float>(size), std::vector<std::uint8_t>(size, 1)}};
  validate_corpus(corpus);  // validates the labels before features are drawn
  corpus.modalities.clear();
  const auto plans = plan_utterances(corpus, options);
  const auto common = draw_common(corpus, Seeds(options.seed), EvidenceSpace(corpus).axes());
  for (int m = 0; m < static_cast<int>(options.modalities.size()); ++m) {
    const DemoModality& wanted = options.modalities[static_cast<std::size_t>(m)];
    ModalityData data;
    data.name = wanted.name;
    data.width = wanted.width;
    data.features = ModalityDrawer(labels_only, plans, common, options, m).rows();
    data.present.assign(static_cast<std::size_t>(corpus.size()), 1);
    corpus.modalities.push_back(std::move(data));
  }
  for (const auto& plan : plans) {
    corpus.true_difficulty.push_back(difficulty_of(plan, options.modalities.size()));
  }
  draw_missing(corpus, options);
  corpus.is_synthetic = true;
  corpus.name += " (synthetic features)";
  corpus.source = fmt::format("features drawn with seed {} for the labels of {}", options.seed,
                              labels_only.source.empty() ? labels_only.name : labels_only.source);
  validate_corpus(corpus);
  corpus.checksum = corpus_checksum(corpus);
  return corpus;
}

}  // namespace hardy
