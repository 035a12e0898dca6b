/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sched_getaffinity */

#include "base/cpu.h"

#include <sched.h>
#include <unistd.h>

dopt__isa dopt__cpu_isa(void)
{
#ifdef DOPT__MULTIVERSION
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return DOPT__AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return DOPT__AVX2;
#endif
    return DOPT__PLAIN;
}

double dopt__cpu_cache(void)
{
    static const double usual = 33554432.0; /* some systems add up the caches of all cores */
#ifdef _SC_LEVEL3_CACHE_SIZE
    const double bytes = (double)sysconf(_SC_LEVEL3_CACHE_SIZE);
    return bytes > 0.0 && bytes < usual ? bytes : usual;
#else
    return usual;
#endif
}

int dopt__cpu_count(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
#endif
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 0 ? (int)processors : 1;
}
