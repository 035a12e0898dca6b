/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_BASE_CPU_H
#define DEPTHOPT_BASE_CPU_H

/*
 * Kernels in several instruction sets, chosen when the program runs.
 *
 * A kernel source (`kernels` in src/meson.build) is compiled once for each instruction set, with DOPT__ISA set to
 * plain, avx2 or avx512. It defines one object, usually a table of functions, named by DOPT__NAMED(), and keeps the
 * rest static:
 *
 *     const dopt__something DOPT__NAMED(dopt__something_kernels) = { ... };      kernel source
 *     DOPT__DECLARE_BY_ISA(dopt__something, dopt__something_kernels)             its header
 *     DOPT__BY_ISA(dopt__something_kernels, dopt__cpu_isa())                     a pointer to the best one
 *
 * A machine for which the library was built without variants has the plain one three times.
 */

typedef enum dopt__isa { DOPT__PLAIN = 0, DOPT__AVX2 = 1, DOPT__AVX512 = 2, DOPT__ISA_COUNT = 3 } dopt__isa;

/* The best instruction set that this machine has: AVX2 with FMA, or AVX-512 F, DQ, BW and VL. */
dopt__isa dopt__cpu_isa(void);

/* Bytes of the last-level cache that a core can use: at most 32 MiB, also where the system does not say. */
double dopt__cpu_cache(void);

/* Processors that this process may use; at least 1. */
int dopt__cpu_count(void);

#define DOPT__PASTE_(name, isa) name##_##isa
#define DOPT__PASTE(name, isa) DOPT__PASTE_(name, isa)
#define DOPT__NAMED(name) DOPT__PASTE(name, DOPT__ISA)

#ifdef DOPT__MULTIVERSION
#define DOPT__DECLARE_BY_ISA(type, name)                                                                               \
    extern const type name##_plain;                                                                                    \
    extern const type name##_avx2;                                                                                     \
    extern const type name##_avx512;
#define DOPT__BY_ISA(name, isa)                                                                                        \
    ((isa) == DOPT__AVX512 ? &name##_avx512 : (isa) == DOPT__AVX2 ? &name##_avx2 : &name##_plain)
#else
#define DOPT__DECLARE_BY_ISA(type, name) extern const type name##_plain;
#define DOPT__BY_ISA(name, isa) ((void)(isa), &name##_plain)
#endif

#endif
