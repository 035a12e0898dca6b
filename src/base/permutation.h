/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_BASE_PERMUTATION_H
#define DEPTHOPT_BASE_PERMUTATION_H

/*
 * A pseudo-random permutation of 0 ... n - 1, a function of (seed, round, n) alone.
 *
 * Numbers i < a b, with a = ceil(sqrt(n)) and b = ceil(n / a), are pairs (i div b, i mod b) = (l, r), and a Feistel
 * network with additions in place of exclusive ors moves them about:
 *
 *     l <- l + F_0(r) mod a,  r <- r + F_1(l) mod b,  l <- l + F_2(r) mod a,  ...
 *
 * where F_j mixes a number with a key drawn from Philox. a b exceeds n by less than a, so that only few values have to
 * be moved on (the same again) until they are below n.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/* Few numbers are mixed slowly, and take the most turns. */
enum { dopt__permutation_turns_most = 24 };

typedef struct dopt__permutation {
    uint64_t n, a, b;
    int turns; /* even */
    uint32_t keys[dopt__permutation_turns_most];
} dopt__permutation;

dopt__permutation dopt__permutation_of(uint64_t seed, uint64_t round, uint64_t n);

/* Where i < n goes. */
uint64_t dopt__permuted(const dopt__permutation *p, uint64_t i);

/* The same for first ... first + count - 1, n <= 2147483647, many at a time. */
typedef struct dopt__permuter {
    void (*fill)(const dopt__permutation *p, ptrdiff_t first, ptrdiff_t count, ptrdiff_t *out);
} dopt__permuter;

DOPT__DECLARE_BY_ISA(dopt__permuter, dopt__permuter)

/* Up to this n, 16-bit fractions of a and b suffice, and 32-bit registers. */
#define DOPT__PERMUTATION_NARROW 2147483647u

static inline uint32_t dopt__permutation_mix(uint32_t x, uint32_t key)
{
    x = (x ^ key) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x;
}

#endif
