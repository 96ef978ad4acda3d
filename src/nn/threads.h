// One thread per worker: small tensors gain nothing from more, and two OpenMP pools on few cores
// are much slower than one.
#pragma once

namespace hardy {

/// Limits libtorch, OpenMP (oneDNN, FAISS) and OpenBLAS to one thread when called from this thread.
/// Requires: called once in every worker thread.
void use_one_thread();

/// Keeps freed memory in the process, which avoids page faults at every training step (glibc; no
/// effect elsewhere). Requires: called once, at program start.
void keep_freed_memory();

}  // namespace hardy
