// Compiles a hot loop for several instruction sets, selected at program start, so that one binary
// is fast on every x86-64 machine. Internal.
#pragma once

// For functions called in hot loops: a call that is not inlined prevents vectorisation.
#define HARDY_INLINE __attribute__((always_inline)) inline

// Sanitizers do not support the indirect functions that this needs.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HARDY_HOT_LOOP __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define HARDY_HOT_LOOP
#endif
