// Output of `hardy predict`: one line per utterance, and notes on what could not be answered.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "hardy/coverage.h"
#include "hardy/recogniser.h"

namespace hardy {

/// Writes predictions to standard output, as JSON lines or as a table.
class PredictionLines {
 public:
  /// `sets` may be null; then no sets are written. Requires: both outlive this object.
  PredictionLines(const BundleInfo& info, bool is_json, const PredictionSets* sets)
      : info_(info), is_json_(is_json), sets_(sets) {}

  /// Writes utterance i; `dialogue` and `id` may be empty.
  void write(const std::string& dialogue, const std::string& id, const Predictions& predictions,
             std::int64_t i);

 private:
  void write_json(const std::string& dialogue, const std::string& id,
                  const Predictions& predictions, std::int64_t i) const;
  void write_row(std::string_view id, std::string_view answer, std::string_view believed,
                 std::string_view used, std::string_view set) const;
  [[nodiscard]] std::string answer_text(const Predictions& predictions, std::int64_t i) const;
  [[nodiscard]] std::string targets_text(std::span<const float> outputs) const;
  [[nodiscard]] std::string set_text(const Predictions& predictions, std::int64_t i) const;

  const BundleInfo& info_;
  bool is_json_;
  const PredictionSets* sets_;
  bool has_header_ = false;
};

/// Utterances without an available modality get no prediction; they are listed and counted.
class UnreadCount {
 public:
  /// Counts the utterances of a call.
  void add(const Predictions& predictions);

  /// Prints a note. `available` are the modalities that were asked for, "" for all. Throws
  /// DataError when no utterance has a prediction.
  void report(const std::string& available) const;

 private:
  std::int64_t all_ = 0;
  std::int64_t unread_ = 0;
};

/// Utterances whose set promises nothing, by the modalities in use.
class UnpromisedCount {
 public:
  /// `sets` may be null; then nothing is counted. Requires: both outlive this object.
  UnpromisedCount(const BundleInfo& info, const PredictionSets* sets) : info_(info), sets_(sets) {}

  /// Counts the utterances of some dialogues.
  void add(const Predictions& predictions, std::size_t dialogues);

  /// Prints a note per set of modalities, and one when every utterance stands alone.
  void report() const;

 private:
  const BundleInfo& info_;
  const PredictionSets* sets_;
  std::map<std::uint32_t, std::int64_t> unpromised_;
  std::size_t dialogues_ = 0;
  std::size_t utterances_ = 0;
};

}  // namespace hardy
