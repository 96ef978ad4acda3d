// Parsed POST bodies. Internal to the service and its fuzzer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "inference/request.h"

namespace hardy {

/// Utterances of a request, dialogue after dialogue.
struct PredictBody {
  bool is_single = false;  ///< the body is one utterance, not {"utterances": [..]}
  std::vector<UtteranceRequest> utterances;
  std::vector<std::int64_t> offsets = {0};  ///< [B+1]
  PredictOptions options;
  std::optional<PredictionSets> sets = {};  ///< made for "coverage"

  // Explanations only.
  std::int64_t utterance = 0;   ///< index of the explained utterance
  std::string utterance_id;     ///< id of the explained utterance; empty = by index
  std::int64_t similar = 5;     ///< number of neighbours
  std::string corpus_dialogue;  ///< instead of utterances
};

/// Selects the fields that a body may have.
enum class BodyKind { kPredict, kExplain };

/// Reads an utterance or {"utterances": [..], "available": [..], "reconstruct": true, "coverage":
/// 0.9}; consecutive
/// utterances with the same "dialogue" are one dialogue, others stand alone; {"dialogue": "d1",
/// "end": true} ends one and is no utterance. Throws RequestError, TooLargeError beyond
/// `max_utterances`.
PredictBody read_predict_body(std::string_view text, const BundleInfo& info,
                              std::int64_t max_utterances, BodyKind kind = BodyKind::kPredict);

/// The modalities that a request allows, a list of names. Throws RequestError.
Pattern read_available(const nlohmann::json& list, const BundleInfo& info);

}  // namespace hardy
