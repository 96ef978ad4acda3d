// `hardy stats`: intervals of one run, paired comparison of several.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

void add_stats_command(CLI::App& app);

}  // namespace hardy
