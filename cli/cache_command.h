// `hardy cache`: shows and empties the stage cache.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

void add_cache_command(CLI::App& app);

}  // namespace hardy
