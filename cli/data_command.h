// `hardy data info|check|convert`: contents and problems of a corpus, and conversion to the plain
// form.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

/// Adds the `data` command. `check` prints every problem and then throws DataError if one of them
/// is an error; ConfigError, DataError and IoError of the readers pass through.
void add_data_command(CLI::App& app);

}  // namespace hardy
