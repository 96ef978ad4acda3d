// CPU clocks.
#pragma once

namespace hardy {

/// CPU seconds that the calling thread has used.
double thread_cpu_s();

}  // namespace hardy
