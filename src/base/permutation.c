/* SPDX-License-Identifier: MIT */
#include "base/permutation.h"

#include <assert.h>
#include <math.h>

#include <depthopt/rng.h>

static uint64_t quotient_above(uint64_t n, uint64_t a)
{
    assert(a > 0);
    return n / a + (n % a != 0);
}

/* The least a with a^2 >= n; the square root of a large n is off by a few units. */
static uint64_t root_above(uint64_t n)
{
    uint64_t a = (uint64_t)sqrt((double)n);
    while (a > 1 && a - 1 >= quotient_above(n, a - 1))
        a--;
    while (a < quotient_above(n, a))
        a++;
    return a;
}

dopt__permutation dopt__permutation_of(uint64_t seed, uint64_t round, uint64_t n)
{
    dopt__permutation p = { .n = n };
    const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    p.a = n < 2 ? 1 : root_above(n);
    p.b = quotient_above(n, p.a);
    p.turns = n < 256 ? dopt__permutation_turns_most : n < 2048 ? 12 : 8;
    for (uint32_t block = 0; (int)block < p.turns / 4; block++) {
        const uint32_t counter[4] = { block, 0x7065726du, (uint32_t)round, (uint32_t)(round >> 32) };
        dopt_philox4x32(counter, key, p.keys + (size_t)4 * block);
    }
    return p;
}

/* x + F mod size. */
static uint64_t turned(uint64_t x, uint64_t other, uint32_t key, uint64_t size, int narrow)
{
    const uint64_t mixed = dopt__permutation_mix((uint32_t)other, key);
    x += narrow ? (mixed >> 16) * size >> 16 : mixed * size >> 32;
    return x >= size ? x - size : x;
}

uint64_t dopt__permuted(const dopt__permutation *p, uint64_t i)
{
    const int narrow = p->n <= DOPT__PERMUTATION_NARROW;
    do {
        uint64_t l = i / p->b, r = i % p->b;
        for (int turn = 0; turn < p->turns; turn += 2) {
            l = turned(l, r, p->keys[turn], p->a, narrow);
            r = turned(r, l, p->keys[turn + 1], p->b, narrow);
        }
        i = l * p->b + r;
    } while (i >= p->n);
    return i;
}
