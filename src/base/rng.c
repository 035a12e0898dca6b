/* SPDX-License-Identifier: MIT */
/*
 * Philox4x32-10 (Salmon et al. 2011), and what is made of its blocks.
 *
 * Block n of a stream is philox(counter = (n, stream), key = seed); its four words give two 64-bit numbers,
 * low word first.
 */

#include <math.h>

#include <depthopt/rng.h>

#include "base/check.h"
#include "base/permutation.h"

static const double two_pi = 6.283185307179586476925286766559;

void dopt_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u; /* golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void block(uint64_t seed, uint64_t stream, uint64_t n, uint64_t out[2])
{
    const uint32_t counter[4] = { (uint32_t)n, (uint32_t)(n >> 32), (uint32_t)stream, (uint32_t)(stream >> 32) };
    const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    uint32_t words[4];
    dopt_philox4x32(counter, key, words);
    out[0] = words[0] | (uint64_t)words[1] << 32;
    out[1] = words[2] | (uint64_t)words[3] << 32;
}

dopt_rng dopt_rng_init(uint64_t seed, uint64_t stream)
{
    const dopt_rng rng = { seed, stream, 0, 0 };
    return rng;
}

uint64_t dopt_rng_uint64(dopt_rng *rng)
{
    uint64_t pair[2];
    if (rng->spare) {
        rng->spare = 0;
        block(rng->seed, rng->stream, rng->counter - 1, pair);
        return pair[1];
    }
    rng->spare = 1;
    block(rng->seed, rng->stream, rng->counter++, pair);
    return pair[0];
}

static double uniform(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

double dopt_rng_uniform(dopt_rng *rng)
{
    return uniform(dopt_rng_uint64(rng));
}

/* Box and Muller; 1 - u lies in (0, 1], where the logarithm is finite. */
static double normal(uint64_t a, uint64_t b)
{
    return sqrt(-2.0 * log(1.0 - uniform(a))) * cos(two_pi * uniform(b));
}

double dopt_rng_normal(dopt_rng *rng)
{
    const uint64_t a = dopt_rng_uint64(rng);
    return normal(a, dopt_rng_uint64(rng));
}

/* Rejection: only a multiple of `bound` many values are used, so each remainder is equally likely. */
uint64_t dopt_rng_below(dopt_rng *rng, uint64_t bound)
{
    if (bound == 0)
        return 0;
    const uint64_t excess = (UINT64_MAX % bound + 1) % bound;
    uint64_t bits;
    do
        bits = dopt_rng_uint64(rng);
    while (bits > UINT64_MAX - excess);
    return bits % bound;
}

dopt_status dopt_rng_fill_normal(dopt_rng *rng, dopt_mat out, double stddev)
{
    DOPT_REQUIRE(rng, DOPT_ERR_INVALID, "rng is NULL");
    DOPT_REQUIRE(isfinite(stddev) && stddev >= 0.0, DOPT_ERR_INVALID, "stddev is %g, must be finite and >= 0", stddev);
    DOPT_TRY(dopt__check_view(__func__, "out", dopt_const(out)));
    for (ptrdiff_t r = 0; r < out.rows; r++)
        for (ptrdiff_t c = 0; c < out.cols; c++) {
            const ptrdiff_t at = r * out.row_stride + c * out.col_stride;
            const double x = stddev * dopt_rng_normal(rng);
            if (out.dtype == DOPT_F64)
                ((double *)out.data)[at] = x;
            else
                ((float *)out.data)[at] = (float)x;
        }
    return DOPT_OK;
}

uint64_t dopt_rng_permute(uint64_t seed, uint64_t round, uint64_t n, uint64_t i)
{
    if (i >= n)
        return n;
    const dopt__permutation p = dopt__permutation_of(seed, round, n);
    return dopt__permuted(&p, i);
}

dopt_status dopt_rng_permute_rows(uint64_t seed, uint64_t round, ptrdiff_t n, ptrdiff_t first, ptrdiff_t count,
                                  ptrdiff_t *rows)
{
    DOPT_REQUIRE(rows, DOPT_ERR_INVALID, "rows is NULL, must point to %td numbers", count);
    DOPT_REQUIRE(n >= 1 && n <= DOPT__EXTENT_MAX, DOPT_ERR_INVALID, "n is %td, must be in [1, %d]", n,
                 DOPT__EXTENT_MAX);
    DOPT_REQUIRE(first >= 0 && count >= 0 && count <= n - first, DOPT_ERR_INVALID,
                 "first and count are %td and %td, must stay in [0, %td)", first, count, n);
    const dopt__permutation p = dopt__permutation_of(seed, round, (uint64_t)n);
    DOPT__BY_ISA(dopt__permuter, dopt__cpu_isa())->fill(&p, first, count, rows);
    return DOPT_OK;
}
