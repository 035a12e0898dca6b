/* SPDX-License-Identifier: MIT */
/* permutation.h, many numbers at a time in 32-bit lanes; compiled once for each instruction set. */

#include "base/permutation.h"

#include <assert.h>

enum { some = 64 };

static_assert(sizeof(ptrdiff_t) == sizeof(uint64_t), "row numbers are 64 bits wide");

static inline uint32_t turned(uint32_t x, uint32_t other, uint32_t key, uint32_t size)
{
    x += (dopt__permutation_mix(other, key) >> 16) * size >> 16;
    const uint32_t less = x - size; /* wraps around, and is the larger of the two, where x < size */
    return less < x ? less : x;
}

static void turn_all(const dopt__permutation *p, uint32_t *l, uint32_t *r)
{
    const uint32_t a = (uint32_t)p->a, b = (uint32_t)p->b;
    for (int turn = 0; turn < p->turns; turn += 2) {
        const uint32_t even = p->keys[turn], odd = p->keys[turn + 1];
        for (int i = 0; i < some; i++)
            l[i] = turned(l[i], r[i], even, a);
        for (int i = 0; i < some; i++)
            r[i] = turned(r[i], l[i], odd, b);
    }
}

/* The pairs of `some` numbers from `first` on. */
static void split(uint32_t first, uint32_t b, uint32_t *l, uint32_t *r)
{
    const uint32_t left = first / b, right = first % b;
    for (uint32_t i = 0; i < some; i++) {
        l[i] = left;
        r[i] = right + i;
    }
    for (uint32_t top = right + some - 1; top >= b; top -= b)
        for (int i = 0; i < some; i++) {
            const uint32_t less = r[i] - b, least = less < r[i] ? less : r[i]; /* wraps around where r < b */
            l[i] += least == r[i] ? 0 : 1;
            r[i] = least;
        }
}

/* Pairs to numbers, in place of l; how many of the first `wanted` are not below n. */
static uint32_t join(const dopt__permutation *p, uint32_t wanted, uint32_t *l, const uint32_t *r)
{
    const uint32_t b = (uint32_t)p->b, n = (uint32_t)p->n;
    uint32_t beyond = 0;
    for (uint32_t i = 0; i < some; i++) {
        l[i] = l[i] * b + r[i];
        beyond += (uint32_t)(l[i] >= n) & (uint32_t)(i < wanted);
    }
    return beyond;
}

/* Those are moved on, one by one. */
static void move_on(const dopt__permutation *p, uint32_t beyond, uint32_t *numbers)
{
    const uint32_t n = (uint32_t)p->n;
    for (int i = 0; beyond > 0; i++)
        if (numbers[i] >= n) {
            numbers[i] = (uint32_t)dopt__permuted(p, numbers[i]);
            beyond--;
        }
}

static void fill(const dopt__permutation *p, ptrdiff_t first, ptrdiff_t count, ptrdiff_t *out)
{
    uint32_t l[some], r[some];
    for (ptrdiff_t at = 0; at < count; at += some) {
        const ptrdiff_t wanted = count - at < some ? count - at : some;
        split((uint32_t)(first + at), (uint32_t)p->b, l, r); /* beyond count too: whole vectors only */
        turn_all(p, l, r);
        move_on(p, join(p, (uint32_t)wanted, l, r), l);
        for (int i = 0; i < wanted; i++)
            out[at + i] = (ptrdiff_t)l[i];
    }
}

const dopt__permuter DOPT__NAMED(dopt__permuter) = { fill };
