// Compiles a hot loop for several instruction sets, chosen at start, so that one binary is fast on
// every x86-64 machine. Internal.
#pragma once

// For what hot loops call: a call that stays one would keep the compiler from making vectors of it.
#define HARDY_INLINE __attribute__((always_inline)) inline

// Sanitizers cannot follow the indirect functions this needs.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HARDY_HOT_LOOP __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#else
#define HARDY_HOT_LOOP
#endif
