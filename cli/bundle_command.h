// `hardy bundle`: look at model files and make them from, or into, other forms.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

void add_bundle_command(CLI::App& app);

}  // namespace hardy
