// `hardy stress`: how much a damaged modality costs a stored model.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

void add_stress_command(CLI::App& app);

}  // namespace hardy
