// Reads the JSON of a request as it is parsed. Nothing but what the model can use is ever stored,
// so the memory of a request follows from the model's widths and the number of its utterances.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "inference/request.h"

namespace hardy {

/// What a request may hold.
struct RequestGrammar {
  std::int64_t max_utterances = 0;   ///< of {"utterances": [..]}; 0 = one utterance, no list
  std::vector<std::string> options;  ///< fields beside the utterances
};

/// A request as it was written. Names are known and given once; widths fit the model.
struct ReadRequest {
  bool has_list = false;  ///< {"utterances": [..]}; otherwise one utterance, or only options
  std::vector<UtteranceRequest> utterances;
  /// Values of the options: texts, numbers, booleans, null, or lists of these.
  std::vector<std::pair<std::string, nlohmann::json>> options;
  std::string first_field;  ///< the first field of an utterance beside the list; empty = none
};

/// Reads a request. `path` names its place in messages, empty for the whole body. Throws
/// RequestError, TooLargeError beyond RequestGrammar::max_utterances.
ReadRequest read_request(std::string_view text, const std::string& path, const BundleInfo& info,
                         const RequestGrammar& grammar);

}  // namespace hardy
