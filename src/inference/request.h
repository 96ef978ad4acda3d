// Utterances as JSON, for JSON lines and for the service (docs/serving.md). Internal to both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/errors.h"
#include "hardy/recogniser.h"

namespace hardy {

/// A request that cannot be carried out: which field, and why.
class RequestError : public Error {
 public:
  enum class Kind {
    kMalformed,  ///< no JSON, or a field of the wrong type
    kUnusable    ///< well formed, but not for this model
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

/// One utterance of a request, checked against a model.
struct UtteranceRequest {
  std::string id;
  std::string dialogue;  ///< empty = it stands alone
  std::string speaker;
  bool ends_dialogue = false;
  std::vector<std::pair<std::string, std::vector<float>>> features;  ///< at least one

  /// Appends it to a dialogue.
  void add_to(DialogueInput& input) const;
};

/// Parses a JSON text. Throws RequestError with the byte where it stops being JSON.
nlohmann::json parse_request(std::string_view text);

/// Reads {"id", "dialogue", "speaker", "end", "features": {MODALITY: [numbers] or {"base64": "..."}
/// or null}}. base64 is that of little-endian float32 values. `path` names the place of the
/// utterance in the request ("utterances[3]"), empty for the request itself. Throws RequestError.
UtteranceRequest read_utterance(const nlohmann::json& json, const std::string& path,
                                const BundleInfo& info);

/// The bytes of a base64 text (RFC 4648, padding needed); false when it is none.
bool decode_base64(std::string_view text, std::vector<std::uint8_t>& bytes);

/// Row `i` of the predictions as JSON: label, probabilities by name, confidence, calibrated, used;
/// for a value: value, expected_error. With a reconstruction, the modalities that were not used.
nlohmann::ordered_json answer_json(const BundleInfo& info, const Predictions& predictions,
                                   std::int64_t i);

/// Description of a model: names, widths, labels, scores, calibration, provenance.
nlohmann::ordered_json model_json(const Recogniser& recogniser);

/// Names of the modalities of a pattern.
nlohmann::ordered_json pattern_json(Pattern pattern, const BundleInfo& info);

}  // namespace hardy
