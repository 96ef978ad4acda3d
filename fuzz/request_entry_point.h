// Entry point of the fuzzer of request bodies, shared with tests/serve/body_test.cc.
#pragma once

#include <cstdint>
#include <string_view>

#include "hardy/errors.h"
#include "serve/body.h"

namespace hardy::fuzz {

/// A model of two modalities, 3 and 2 wide.
inline const BundleInfo& request_model() {
  static const BundleInfo info = [] {
    BundleInfo model;
    model.modalities = {{"acoustic", 3}, {"textual", 2}};
    model.class_names = {"glad", "sad"};
    return model;
  }();
  return info;
}

/// Reads the text as a body of either kind; an accepted body must fit the model.
inline void run_request(std::string_view text) {
  for (const auto kind : {BodyKind::kPredict, BodyKind::kExplain}) {
    try {
      const PredictBody body = read_predict_body(text, request_model(), 16, kind);
      const auto count = static_cast<std::int64_t>(body.utterances.size());
      check(count <= 16 && body.offsets.front() == 0 &&
                (body.offsets.back() == count || !body.corpus_dialogue.empty()),
            "offsets do not cover the utterances");
      DialogueInput input(request_model());
      for (const auto& utterance : body.utterances) utterance.add_to(input);
      check(input.size() == count, "an utterance was read but cannot be used");
    } catch (const RequestError& error) {
      check(!error.reason().empty(), "a refusal without a reason");
    }
  }
}

}  // namespace hardy::fuzz
