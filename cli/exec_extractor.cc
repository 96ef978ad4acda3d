// Recordings are decoded by hardy-extractor, which links libav and OpenCV: other programs execute
// it.
#include "cli/exec_program.h"
#include "cli/media_commands.h"

namespace hardy {

void carry_out(const MediaCommand& command) {
  become_program("hardy-extractor", command.name, "HARDY_MEDIA", command.command_line);
}

}  // namespace hardy
