// `hardy cache`: what the stage cache holds, and emptying it.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

void add_cache_command(CLI::App& app);

}  // namespace hardy
