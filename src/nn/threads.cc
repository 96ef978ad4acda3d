#include "nn/threads.h"

#include <ATen/Parallel.h>
#include <omp.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if HARDY_HAS_OPENBLAS
extern "C" void openblas_set_num_threads(int);
#endif

namespace hardy {

void use_one_thread() {
  at::set_num_threads(1);
  omp_set_num_threads(1);
#if HARDY_HAS_OPENBLAS
  openblas_set_num_threads(1);
#endif
}

void keep_freed_memory() {
#if defined(__GLIBC__)
  // 256 MiB: larger than every tensor of a training step, smaller than a corpus.
  mallopt(M_MMAP_THRESHOLD, 256 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_ARENA_MAX, 4);
#endif
}

}  // namespace hardy
