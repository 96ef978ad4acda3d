// Recordings are decoded by hardy-extractor, which links libav and OpenCV: other programs execute
// it.
#include "cli/exec_program.h"
#include "cli/media_commands.h"

namespace hardy {

void carry_out(const MediaCommand& command) {
  become_program(extractor_program(command.media), command.name, extractor_option(command.media),
                 command.command_line);
}

}  // namespace hardy
