// The helper of a service that reads recordings: started before the service gives up its rights.
#pragma once

#include <array>
#include <cstdint>

#include "cli/media_commands.h"
#include "hardy/extract.h"

namespace hardy {

/// A started helper.
struct ExtractorHelper {
  int control = -1;  ///< socket that takes questions (serve/recording_client.h); the caller owns it
  std::array<FeatureMaker, 3> makers;  ///< its extractors, index as in kMediaModalities
};

/// Starts hardy-extractor and waits until its networks are read. It ends when `control` is closed.
/// Throws ConfigError when the program is not installed, or does not start; its own message is then
/// on standard error.
ExtractorHelper start_extractor(const MediaCommand& command);

}  // namespace hardy
