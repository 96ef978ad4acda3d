// The embedded demonstration corpus, and drawn features for real labels.
//
// Both are synthetic and marked as such. One model draws both (docs/demo_corpus.md). An utterance i
// has an intensity I_i in [0,1]; modality m carries the evidence g_m * I_i * mu(label) plus noise
// that is partly common to all modalities, factors shared by all modalities, factors of its own,
// and an offset of its speaker. Some utterances are *ambiguous* (weak evidence everywhere, weak
// shared factors, strong private ones) and some *inconsistent* (one modality carries another
// class's evidence and no shared factors). The gains g_m are solved for, so that a linear
// classifier of modality m alone reaches the accuracy DemoModality::strength.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "hardy/corpus.h"

namespace hardy {

/// One modality to draw.
struct DemoModality {
  std::string name;         ///< unique, non-empty
  std::int64_t width = 48;  ///< d_m. Range 1..65536; below about 16 the strength is not reached
  /// Accuracy of a linear classifier of this modality alone on unseen speakers (WA; for values, of
  /// the sign). Range: above that of predicting the most frequent class, below about 0.9 (limited
  /// by the ambiguous and inconsistent utterances); outside, the nearest reachable value is drawn.
  double strength = 0.7;
};

/// Acoustic, textual and visual of the demonstration corpus: widths 48, 64, 32, strengths as on
/// IEMOCAP (WA .70, .77, .57).
std::vector<DemoModality> demo_modalities();

/// The same at the published widths 512, 1024, 1024 (wav2vec, DeBERTa, MA-Net).
std::vector<DemoModality> published_modalities();

/// `count` modalities "m1", "m2".. of width 48, strengths spread evenly from .77 down to .57; 3
/// give demo_modalities(). Throws ConfigError when count is outside 2..kMaxModalities.
std::vector<DemoModality> spread_modalities(int count);

/// Options of drawn features.
struct DrawOptions {
  std::vector<DemoModality> modalities = published_modalities();  ///< [M], M in 2..kMaxModalities
  std::uint64_t seed = 1;
  double ambiguous_rate = 0.15;     ///< share of utterances, in [0,1]
  double inconsistent_rate = 0.15;  ///< share of utterances; both rates together at most 1
  /// Share of features that are really missing, in [0,1); every utterance keeps one modality.
  double missing_rate = 0;
};

/// The demonstration corpus: sessions of two speakers each, as in IEMOCAP.
struct DemoOptions {
  std::int64_t sessions = 5;               ///< groups. Range 1..1000
  std::int64_t dialogues_per_session = 8;  ///< Range 1..10000
  std::int64_t min_utterances = 20;        ///< of a dialogue. Range >= 1
  std::int64_t max_utterances = 44;        ///< of a dialogue. Range min_utterances..1000
  std::vector<std::string> class_names = {"happy", "sad", "neutral", "angry"};
  std::vector<double> class_shares = {0.296, 0.196, 0.309, 0.199};  ///< [C] > 0; scaled to sum 1
  double inertia = 0.55;    ///< probability that a speaker keeps the emotion of their last turn
  double contagion = 0.15;  ///< probability of the other speaker's emotion; inertia + contagion < 1
  DrawOptions features = {.modalities = demo_modalities()};
};

/// Draws the demonstration corpus: about 1,280 utterances in 40 dialogues by default, each dialogue
/// with a group (session) and no official part, Corpus::true_difficulty filled. Equal options give
/// equal bytes. Throws ConfigError naming the option that is out of range.
Corpus make_demo_corpus(const DemoOptions& options = {});

/// Draws features for `labels_only`: its dialogues, speakers, groups, parts and labels are kept,
/// its modalities (if any) are replaced. An utterance with unknown speaker uses its dialogue as
/// speaker. Fills true_difficulty; marks the corpus as synthetic, also in its name. The bytes of
/// one modality depend on the seed, the labels, and its own options and index only. Throws
/// ConfigError for options out of range, DataError when `labels_only` breaks an invariant of
/// validate_corpus.
Corpus draw_features(const Corpus& labels_only, const DrawOptions& options = {});

/// The same corpus straight into a folder of the plain form, for corpora that memory cannot hold:
/// rows are drawn by `jobs` threads and written as they are drawn. `name` may change what the
/// corpus is called before it is written. The bytes depend on neither.
void draw_features_to(const Corpus& labels_only, const DrawOptions& options, int jobs,
                      const std::function<void(Corpus&)>& name,
                      const std::filesystem::path& folder);

/// The dialogues and labels of the demonstration corpus without features.
Corpus make_demo_labels(const DemoOptions& options = {});

/// What the demonstration corpus with these labels is called.
void name_demo_corpus(Corpus& corpus, std::uint64_t seed);

}  // namespace hardy
