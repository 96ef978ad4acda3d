// Using a trained recogniser: load a bundle, give it whatever modalities an utterance has, read
// label, probabilities and confidence. This header pulls in neither libtorch nor JSON.
//
// Letters: n utterances of a call, M modalities, d_m width of modality m, C classes.
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

/// One utterance. Nothing is copied: the arrays must live until the call returns.
struct UtteranceView {
  /// [M] of d_m floats each, in the order of BundleInfo::modalities; null = absent.
  std::array<const float*, kMaxModalities> features{};
  std::int64_t speaker = -1;  ///< equal numbers are the same person; -1 = unknown

  /// The modalities that are there.
  [[nodiscard]] Pattern present() const;
};

struct PredictOptions {
  /// Of what is present, only these modalities are used.
  Pattern available = Pattern::complete(kMaxModalities);
  bool reconstructs = false;     ///< also estimate the features of absent modalities
  bool keeps_attention = false;  ///< also keep who attended to whom (explain.h); one dialogue only
};

/// What a recogniser says of n utterances. Views into the Workspace: valid until its next use.
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
  /// [n, M] features that lie outside of the model's limits and were cut to them (docs/bundle.md).
  /// Many of them: these features are not what the model was trained on.
  std::span<const std::int64_t> limited;
  /// [M] of [n, d_m], in the units of the features; empty unless asked for and somebody lacks m.
  /// A model of tuned features (BundleInfo::reads_tuned) estimates tuned features instead.
  std::array<std::span<const float>, kMaxModalities> reconstruction{};

  [[nodiscard]] std::span<const float> row(std::int64_t i) const {
    return probabilities.subspan(static_cast<std::size_t>(i * outputs),
                                 static_cast<std::size_t>(outputs));
  }
};

/// Scratch memory and results of one thread. After the first call of a size, calls of that size
/// allocate nothing. Not thread-safe: one per thread.
class Workspace {
 public:
  Workspace();
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;

  struct Impl;

  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

using NamedFeatures = std::pair<std::string_view, std::span<const float>>;

/// The utterances of one dialogue, checked and kept. Reuse it: clear() keeps the memory.
class DialogueInput {
 public:
  explicit DialogueInput(const BundleInfo& info);

  /// Appends an utterance with any non-empty subset of the modalities. Throws ConfigError for an
  /// unknown or repeated modality, ShapeError for a wrong width, DataError for a value that is not
  /// finite or for no modality at all; then nothing was appended.
  void add(std::span<const NamedFeatures> features, std::string_view speaker = {});
  void add(std::initializer_list<NamedFeatures> features, std::string_view speaker = {});

  /// Appends an utterance of which nothing is known: it keeps its place in the dialogue, and what
  /// is predicted of it (Predictions::used is empty) is no answer.
  void add_empty(std::string_view speaker = {});

  void clear();

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(rows_.size()); }

  /// Valid until the next change.
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

/// A trained recogniser, ready for use. Immutable and cheap to copy; safe from any number of
/// threads as long as each has its own Workspace.
class Recogniser {
 public:
  /// Maps the file, so that processes share its weights; or, for a process that must outlive
  /// whatever is done to the file, copies it. Throws ArtifactError when it is no bundle, damaged,
  /// newer than this program or of a method it cannot run.
  static Recogniser load(const std::filesystem::path& file,
                         Residence residence = Residence::kMapped);

  [[nodiscard]] const BundleInfo& info() const;

  /// SHA-256 that stands for this model in logs: of the description and the payload's checksum.
  [[nodiscard]] const std::string& fingerprint() const;

  /// One dialogue, in order. An utterance of which nothing may be used is predicted from nothing.
  /// Throws DataError when a value is not finite or so large that an answer is not.
  Predictions predict(std::span<const UtteranceView> dialogue, Workspace& workspace,
                      const PredictOptions& options = {}) const;

  /// Several dialogues at once: dialogue b is utterances offsets[b] .. offsets[b+1]-1; they do not
  /// see each other. Throws ShapeError when the offsets do not fit.
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
