// CPU clocks.
#pragma once

namespace hardy {

/// CPU seconds of the calling thread.
double thread_cpu_s();

}  // namespace hardy
