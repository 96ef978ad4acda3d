/// @file
/// Prediction with a trained model: load a bundle, pass the modalities that an utterance has, read
/// label, probabilities and confidence. This header includes neither libtorch nor JSON.
///
/// Letters: n utterances of a call, M modalities, d_m width of modality m, C classes.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardy/bundle.h"
#include "hardy/mapped_file.h"
#include "hardy/modality.h"

namespace hardy {

/// One utterance, as views: the arrays must live until the call returns.
struct UtteranceView {
  /// [M] of d_m floats each, in the order of BundleInfo::modalities; null = absent.
  std::array<const float*, kMaxModalities> features{};
  std::int64_t speaker = -1;  ///< equal numbers are the same person; -1 = unknown

  /// The modalities whose array is not null.
  [[nodiscard]] Pattern present() const;
};

/// Options of one call of Recogniser::predict.
struct PredictOptions {
  /// Upper bound on the modalities in use: present and available ones are used.
  Pattern available = Pattern::complete(kMaxModalities);
  bool reconstructs = false;     ///< also estimate the features of absent modalities
  bool keeps_attention = false;  ///< also keep attention weights (explain.h); one dialogue only
  /// Modalities whose features are stranger than those of training are not used, unless nothing
  /// else is left of the utterance. At most this share of good ones is suspected; 0 = none is
  /// judged. In [0,1); a model without reliability estimate, or of too few validation utterances
  /// for the rate, is refused.
  double set_aside_rate = 0;
};

/// Predictions of n utterances. Views into the Workspace: valid until its next use.
struct Predictions {
  std::int64_t count = 0;         ///< n
  std::int64_t outputs = 0;       ///< C, T for several labels or values, or 1 for a value
  std::span<const float> logits;  ///< [n, C]
  /// [n, C] calibrated, each row sums to 1; softmax(logits / temperature) with the temperature that
  /// was fitted for the modalities in use, 1 where none was (`calibrated`). Of several labels
  /// [n, T] the probability of each; for one or several values, the values.
  std::span<const float> probabilities;
  /// [n, C] before calibration: softmax(logits). Of other models than of classes: `probabilities`.
  std::span<const float> raw_probabilities;
  std::span<const std::int64_t> labels;  ///< [n] index of the most probable class; 0 for a value
  /// [n] `probabilities` of that class, in (0, 1]; for a value, the error to be expected (root of
  /// the mean square, on validation) or 0 when it is unknown.
  std::span<const float> confidence;
  std::span<const std::uint8_t> calibrated;  ///< [n] 1 = a calibration of this pattern was fitted
  std::span<const Pattern> used;             ///< [n] the modalities that were used
  /// [n, M] number of features outside the model's clip range, which were clipped (docs/bundle.md).
  /// A large number indicates features of another extractor than in training.
  std::span<const std::int64_t> limited;
  /// [n] modalities whose features are suspected (PredictOptions::set_aside_rate); empty if none
  /// are judged. One of them is in `used` nevertheless where nothing else was left.
  std::span<const Pattern> suspected;
  /// [M] of [n, d_m], in the units of the features; empty unless requested and an utterance lacks
  /// m. A model of tuned features (BundleInfo::reads_tuned) estimates tuned features instead.
  std::array<std::span<const float>, kMaxModalities> reconstruction{};

  /// Probabilities or values of utterance i. Shapes: -> [outputs]. Requires: 0 <= i < n.
  [[nodiscard]] std::span<const float> row(std::int64_t i) const {
    return probabilities.subspan(static_cast<std::size_t>(i * outputs),
                                 static_cast<std::size_t>(outputs));
  }
};

/// Scratch memory and results of one thread. After the first call of a size, calls of that size
/// allocate nothing. Not thread-safe: one per thread.
class Workspace {
 public:
  Workspace();  ///< Grows on first use.
  ~Workspace();
  Workspace(Workspace&&) noexcept;             ///< Leaves the source unusable.
  Workspace& operator=(Workspace&&) noexcept;  ///< Leaves the source unusable.

  struct Impl;

  /// Internal.
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// A modality's name and its features [d_m].
using NamedFeatures = std::pair<std::string_view, std::span<const float>>;

/// The utterances of one dialogue, checked and copied. Reusable: clear() keeps the memory.
class DialogueInput {
 public:
  /// Requires: `info` outlives this object.
  explicit DialogueInput(const BundleInfo& info);

  /// Appends an utterance with any non-empty subset of the modalities. Throws ConfigError for an
  /// unknown or repeated modality, ShapeError for a wrong width, DataError for a value that is not
  /// finite or for no modality at all; then the dialogue is unchanged.
  void add(std::span<const NamedFeatures> features, std::string_view speaker = {});
  /// The same for a braced list.
  void add(std::initializer_list<NamedFeatures> features, std::string_view speaker = {});

  /// Appends an utterance without modalities. It keeps its position in the dialogue; its
  /// prediction, with Predictions::used empty, must be ignored.
  void add_empty(std::string_view speaker = {});

  /// Removes all utterances and speakers.
  void clear();

  /// Number of utterances.
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }

  /// The argument of Recogniser::predict; valid until the next change of this object. It is made
  /// anew at each call, so that one object must not be asked from two threads at once.
  [[nodiscard]] std::span<const UtteranceView> utterances() const;

 private:
  struct Row {
    std::array<std::int64_t, kMaxModalities> first;  ///< into values_, -1 = absent
    std::int64_t speaker;
  };

  void append(std::span<const NamedFeatures> features, Row& row);
  std::int64_t number_of(std::string_view speaker);

  const BundleInfo* info_;
  std::vector<Row> rows_;
  std::vector<float> values_;
  std::vector<std::string> speakers_;
  std::size_t speaker_count_ = 0;
  mutable std::vector<UtteranceView> views_;
};

class Explainer;
class DialogueStream;

/// A trained model. Immutable and cheap to copy; safe from any number of threads, each with its own
/// Workspace.
class Recogniser {
 public:
  /// Loads a bundle. Residence::kMapped shares the weights between processes; kCopied is
  /// independent of later changes to the file. Throws ArtifactError when the file is no bundle,
  /// damaged, newer than this program or of an unknown method; IoError when it is unreadable.
  static Recogniser load(const std::filesystem::path& file,
                         Residence residence = Residence::kMapped);

  /// Description of the model; lives as long as this object or a copy.
  [[nodiscard]] const BundleInfo& info() const;

  /// Identifies the model in logs: SHA-256 over the description and the payload's checksum, in hex.
  [[nodiscard]] const std::string& fingerprint() const;

  /// Predicts one dialogue, utterances in order. The outputs of an utterance without a used
  /// modality (Predictions::used is empty) have no meaning. Throws DataError when a value is not
  /// finite or so large that an output overflows; with a set_aside_rate, ConfigError for a rate
  /// that the model cannot promise and ArtifactError for a model without reliability estimate.
  Predictions predict(std::span<const UtteranceView> dialogue, Workspace& workspace,
                      const PredictOptions& options = {}) const;

  /// Predicts several independent dialogues; dialogue b is utterances offsets[b] .. offsets[b+1]-1.
  /// Shapes: offsets [B + 1], ascending from 0 to n. Throws ShapeError when the offsets do not fit,
  /// otherwise as above.
  Predictions predict(std::span<const UtteranceView> utterances,
                      std::span<const std::int64_t> offsets, Workspace& workspace,
                      const PredictOptions& options = {}) const;

  struct Impl;

 private:
  friend class Explainer;
  friend class DialogueStream;

  explicit Recogniser(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const Impl> impl_;
};

}  // namespace hardy
