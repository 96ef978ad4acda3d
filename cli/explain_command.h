// `hardy explain`: explains the prediction for one utterance.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

void add_explain_command(CLI::App& app);

}  // namespace hardy
