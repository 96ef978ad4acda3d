// `hardy data synth`: writes the demonstration corpus, or features drawn for real labels.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

/// Adds `synth` to the `data` command. Its callback prints one line on success; ConfigError,
/// DataError and IoError pass through.
void add_synth_command(CLI::App& data_app);

}  // namespace hardy
