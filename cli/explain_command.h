// `hardy explain`: explains the prediction for one utterance.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "hardy/explain.h"

namespace CLI {
class App;
}

namespace hardy {

void add_explain_command(CLI::App& app, const std::vector<std::string>& command_line);

/// An explained utterance with what is said of it beside the explanation.
struct ExplainedUtterance {
  const Explanation& explanation;
  std::string id;
  std::vector<std::string> ids;  ///< of its dialogue's utterances, in order
  nlohmann::ordered_json head;   ///< fields before the explanation's own
};

/// Prints it as text or JSON.
void print_explanation(const ExplainedUtterance& explained, const BundleInfo& info, bool is_json);

}  // namespace hardy
