// Checks the JSON of a request while it is parsed. Only data that the model can use is stored, so
// the memory of a request is bounded by the model's widths and the number of its utterances.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "inference/request.h"

namespace hardy {

/// Limits and fields of a request.
struct RequestGrammar {
  std::int64_t max_utterances = 0;   ///< of {"utterances": [..]}; 0 = a single utterance, no list
  std::vector<std::string> options;  ///< fields besides the utterances
};

/// A parsed request. Names are known and not repeated; widths fit the model.
struct ReadRequest {
  bool has_list = false;  ///< {"utterances": [..]}; otherwise one utterance, or options only
  std::vector<UtteranceRequest> utterances;
  /// Values of the options: texts, numbers, booleans, null, or lists of these.
  std::vector<std::pair<std::string, nlohmann::json>> options;
  std::string first_field;  ///< first field of an utterance beside the list; empty = none
};

/// Reads a request. `path` names its position in messages, empty for the whole body. Throws
/// RequestError, TooLargeError beyond RequestGrammar::max_utterances.
ReadRequest read_request(std::string_view text, const std::string& path, const BundleInfo& info,
                         const RequestGrammar& grammar);

}  // namespace hardy
