// `hardy data info|check|convert`: what a corpus holds, what is wrong with it, and in our own form.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

/// Adds the `data` command. `check` prints every problem and then throws DataError when one of them
/// is an error; ConfigError, DataError and IoError of the readers come through.
void add_data_command(CLI::App& app);

}  // namespace hardy
