// `hardy bundle`: shows model files and converts them.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

void add_bundle_command(CLI::App& app);

}  // namespace hardy
