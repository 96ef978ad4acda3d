// The process that extracts one recording for a service: a question comes through one descriptor,
// the answer leaves through another. The recording lies in memory that has no name, so that nothing
// is left of it however the process ends.
#pragma once

#include "hardy/extract.h"

namespace hardy {

/// Reads a question and its recording, extracts, and writes the answer; decoders run in child
/// processes. Gives up when the reader of `answer` is gone. Throws IoError when one of the
/// descriptors fails, Interrupted when the reader is gone. Requires: no other thread runs.
void answer_recording(int question, int answer, const ExtractOptions& options);

}  // namespace hardy
