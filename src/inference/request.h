// Utterances as JSON, for JSON lines and for the service (docs/serving.md). Internal to both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/coverage.h"
#include "hardy/errors.h"
#include "hardy/recogniser.h"

namespace hardy {

/// A refused request, with the field and the reason.
class RequestError : public Error {
 public:
  enum class Kind {
    kMalformed,  ///< no JSON, or a field of the wrong type
    kUnusable    ///< well-formed, but not for this model
  };

  RequestError(Kind kind, std::string field, std::string reason);

  [[nodiscard]] Kind cause() const { return kind_; }

  [[nodiscard]] const std::string& field() const { return field_; }

  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  Kind kind_;
  std::string field_;
  std::string reason_;
};

/// A refusal by a limit of the service: status 413.
class TooLargeError : public RequestError {
 public:
  TooLargeError(std::string field, std::string reason)
      : RequestError(Kind::kUnusable, std::move(field), std::move(reason)) {}
};

/// One utterance of a request, checked against a model.
struct UtteranceRequest {
  std::string id;
  std::string dialogue;  ///< empty = no dialogue
  std::string speaker;
  bool ends_dialogue = false;
  /// At least one, except in a line that only ends a dialogue.
  std::vector<std::pair<std::string, std::vector<float>>> features;

  /// Whether there is nothing to predict: {"dialogue": "d1", "end": true}.
  [[nodiscard]] bool only_ends() const { return features.empty(); }

  /// Appends it to a dialogue.
  void add_to(DialogueInput& input) const;
};

/// Reads {"id", "dialogue", "speaker", "end", "features": {MODALITY: [numbers] or {"base64": "..."}
/// or null}}. base64 encodes little-endian float32 values. `path` names the utterance in messages
/// ("utterances[3]"), empty for the request itself. Throws RequestError with the field, or with the
/// byte at which the JSON is malformed.
UtteranceRequest read_utterance(std::string_view text, const std::string& path,
                                const BundleInfo& info);

/// Decodes a base64 text (RFC 4648, padding required); false when it is malformed.
bool decode_base64(std::string_view text, std::vector<std::uint8_t>& bytes);

/// Row `i` of the predictions as JSON: label, probabilities by name, confidence, calibrated, used;
/// for a value: value, expected_error. With reconstruction, also the modalities that were not used.
/// With `sets`, also the set, or the interval of a value, and its coverage, null with the reason
/// where none can be promised.
nlohmann::ordered_json answer_json(const BundleInfo& info, const Predictions& predictions,
                                   std::int64_t i, const PredictionSets* sets = nullptr);

/// Description of a model: names, widths, labels, scores, calibration, provenance.
nlohmann::ordered_json model_json(const Recogniser& recogniser);

/// Names of the modalities of a pattern.
nlohmann::ordered_json pattern_json(Pattern pattern, const BundleInfo& info);

}  // namespace hardy
