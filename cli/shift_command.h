// `hardy data shift`: how far a corpus lies from the training data of a model, or from another
// corpus.
#pragma once

namespace CLI {
class App;
}

namespace hardy {

/// Adds `shift` to the `data` command.
void add_shift_command(CLI::App& data_app);

}  // namespace hardy
