// Drawn features for given labels, declared in demo_corpus.h.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/random.h"
#include "corpus/plain_form.h"
#include "corpus/synth/demo_corpus.h"
#include "corpus/synth/demo_strength.h"
#include "corpus/synth/modality_drawer.h"
#include "formats/npy.h"
#include "hardy/errors.h"

namespace hardy {
namespace {

constexpr double kDialogueFactor = 0.3;  ///< part of the shared factors that a dialogue keeps

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

/// Marks features as really missing; one modality of each utterance always stays.
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
      corpus.modalities[static_cast<std::size_t>(m)].present[static_cast<std::size_t>(i)] = 0;
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

/// A corpus but for its features, and what they are drawn from.
struct Outline {
  Corpus corpus;
  std::vector<UtterancePlan> plans;
  std::vector<CommonDraw> common;
};

Outline draw_outline(const Corpus& labels_only, const DrawOptions& options) {
  validate(options);
  Outline outline;
  Corpus& corpus = outline.corpus;
  corpus = labels_only;
  corpus.true_difficulty.clear();
  const auto size = static_cast<std::size_t>(corpus.size());
  corpus.modalities = {{"none", 1, std::vector<float>(size), std::vector<std::uint8_t>(size, 1)}};
  validate_corpus(corpus);  // validates the labels before features are drawn
  corpus.modalities.clear();
  outline.plans = plan_utterances(corpus, options);
  outline.common = draw_common(corpus, Seeds(options.seed), EvidenceSpace(corpus).axes());
  for (const DemoModality& wanted : options.modalities) {
    ModalityData& data = corpus.modalities.emplace_back();
    data.name = wanted.name;
    data.width = wanted.width;
    data.present.assign(size, 1);
  }
  for (const auto& plan : outline.plans) {
    corpus.true_difficulty.push_back(difficulty_of(plan, options.modalities.size()));
  }
  draw_missing(corpus, options);
  corpus.is_synthetic = true;
  corpus.name += " (synthetic features)";
  corpus.source = fmt::format("features drawn with seed {} for the labels of {}", options.seed,
                              labels_only.source.empty() ? labels_only.name : labels_only.source);
  return outline;
}

/// Draws rows from `first` on; absent ones are `absent` throughout.
void draw_present_rows(const ModalityDrawer& drawer, const ModalityData& modality,
                       std::size_t first, float absent, std::span<float> rows) {
  const auto width = static_cast<std::size_t>(modality.width);
  drawer.draw_rows(first, rows);
  for (std::size_t i = 0; i < rows.size() / width; ++i) {
    if (modality.present[first + i] != 0) continue;
    std::fill_n(rows.begin() + static_cast<std::ptrdiff_t>(i * width), width, absent);
  }
}

}  // namespace

Corpus draw_features(const Corpus& labels_only, const DrawOptions& options) {
  Outline outline = draw_outline(labels_only, options);
  Corpus corpus = std::move(outline.corpus);
  for (std::size_t m = 0; m < corpus.modalities.size(); ++m) {
    ModalityData& modality = corpus.modalities[m];
    const ModalityDrawer drawer(labels_only, outline.plans, outline.common, options,
                                static_cast<int>(m));
    std::vector<float> rows(modality.present.size() * static_cast<std::size_t>(modality.width));
    draw_present_rows(drawer, modality, 0, 0.0F, rows);
    modality.features = std::move(rows);
  }
  validate_corpus(corpus);
  corpus.checksum = corpus_checksum(corpus);
  return corpus;
}

void draw_features_to(const Corpus& labels_only, const DrawOptions& options, int jobs,
                      const std::function<void(Corpus&)>& name,
                      const std::filesystem::path& folder) {
  Outline outline = draw_outline(labels_only, options);
  if (name) name(outline.corpus);
  write_plain(outline.corpus, folder, [&](std::size_t m, const std::filesystem::path& file) {
    const ModalityData& modality = outline.corpus.modalities[m];
    const ModalityDrawer drawer(labels_only, outline.plans, outline.common, options,
                                static_cast<int>(m));
    save_npy_rows(file, outline.corpus.size(), modality.width, jobs,
                  [&](std::int64_t first, std::span<float> rows) {
                    draw_present_rows(drawer, modality, static_cast<std::size_t>(first),
                                      std::numeric_limits<float>::quiet_NaN(), rows);
                  });
  });
}

}  // namespace hardy
