// One thread per worker: small tensors gain nothing from more, and two OpenMP pools on few cores
// are slower than one by far.
#pragma once

namespace hardy {

/// Makes libtorch, OpenMP (oneDNN, FAISS) and OpenBLAS use one thread when called from this thread.
/// Call it once in every worker thread.
void use_one_thread();

/// Keeps freed memory in the process instead of giving it back and faulting it in again at every
/// training step (glibc; no effect elsewhere). Call once at program start.
void keep_freed_memory();

}  // namespace hardy
