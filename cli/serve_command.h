// `hardy serve`: the HTTP service.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

void add_serve_command(CLI::App& app);

}  // namespace hardy
