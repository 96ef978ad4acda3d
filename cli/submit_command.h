// `hardy submit`: divides a command among the nodes of a cluster. `hardy status`: their progress.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace hardy {

void add_submit_command(CLI::App& app);
void add_status_command(CLI::App& app);

}  // namespace hardy
