// `hardy stress`: scores of stored models when one modality is damaged, beside the scores when it
// is missing, and when the model may set damaged modalities aside (docs/damaged_data.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "corpus/damage.h"
#include "corpus/match_model.h"
#include "hardy/corpus.h"
#include "hardy/recogniser.h"

namespace hardy {

/// What to damage and how.
struct StressPlan {
  std::vector<Damage> damages = {};
  std::vector<double> severities = {};  ///< each in (0, 1], ascending
  std::vector<int> modalities = {};     ///< indices
  std::uint64_t seed = 1;
  double set_aside_rate = 0;  ///< 0 = nothing is set aside
  std::string metric = {};    ///< empty = the first headline of the labels
};

/// A score as it is and with damaged modalities set aside (NaN without).
struct StressScore {
  double plain = std::numeric_limits<double>::quiet_NaN();
  double set_aside = std::numeric_limits<double>::quiet_NaN();
};

/// One damage at one severity.
struct StressCell {
  int modality = 0;
  Damage damage = Damage::kNoise;
  double severity = 0;
  std::int64_t touched = 0;  ///< utterances with damage, over all models; 0 = it does not apply
  StressScore score;         ///< mean over models
  double suspected = std::numeric_limits<double>::quiet_NaN();  ///< share of `touched` suspected
};

/// One modality.
struct StressModality {
  int modality = 0;
  double missing = 0;  ///< score without it
  /// Share of utterances without damage whose modality is suspected: false alarms.
  double false_alarms = std::numeric_limits<double>::quiet_NaN();
};

/// The whole table.
struct StressResult {
  std::string metric;
  bool is_error = false;  ///< the metric is smaller when better
  std::int64_t models = 0;
  std::int64_t utterances = 0;  ///< scored, over all models
  StressScore clean;            ///< with all modalities
  std::vector<StressModality> modalities;
  std::vector<StressCell> cells;  ///< modality by modality, damage by damage
};

/// A model and the dialogues of the corpus that it is tested on.
struct StressedModel {
  Recogniser recogniser;
  std::vector<std::int64_t> dialogues;
  std::vector<std::vector<float>> means;       ///< [M] of [d_m], of its training part
  std::vector<std::vector<float>> deviations;  ///< [M] of [d_m], > 0
};

/// Loads a model for the dialogues given. Throws as Recogniser::load.
StressedModel load_stressed(const std::filesystem::path& file, std::vector<std::int64_t> dialogues);

/// Runs every model under every damage. The corpus has the models' modalities and the classes of
/// `classes` (corpus/match_model.h). `step` is called after each pass with the share done. Throws
/// ConfigError for a metric that the labels do not have or that is not defined on the corpus, and
/// what Recogniser::predict throws.
StressResult stress_models(const std::vector<StressedModel>& models, const Corpus& corpus,
                           const MatchedClasses& classes, const StressPlan& plan,
                           const std::function<void(double)>& step);

/// The table, at most 80 columns wide, for at most three severities; with more, the lowest, the
/// middle and the highest.
std::string stress_text(const StressResult& result, const StressPlan& plan, const Corpus& corpus);

/// Everything as one JSON object.
std::string stress_json(const StressResult& result, const StressPlan& plan, const Corpus& corpus);

}  // namespace hardy
