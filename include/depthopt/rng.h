/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_RNG_H
#define DEPTHOPT_RNG_H

/**
 * @file depthopt/rng.h
 * Counter-based random numbers: Philox4x32-10.
 *
 * The n-th number of a stream is a pure function of (seed, stream, n), so that a run can be repeated,
 * split over threads and resumed from the middle. No hidden state anywhere: whoever wants random numbers
 * passes a dopt_rng.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */

#include <stdint.h>

#include <depthopt/api.h>
#include <depthopt/mat.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/**
 * A position in a stream. A plain value: copying it forks the sequence, storing its four fields saves it.
 * Make one with dopt_rng_init().
 *
 * Thread safety: one thread at a time per dopt_rng; different streams are independent.
 */
typedef struct dopt_rng {
    uint64_t seed;    /**< Philox key. */
    uint64_t stream;  /**< Upper half of the Philox counter. */
    uint64_t counter; /**< Lower half: the next block. Each block gives two 64-bit numbers. */
    uint64_t spare;   /**< 1 when the second number of block `counter` - 1 is still unused, else 0. */
} dopt_rng;

/**
 * The generator at the start of a stream.
 *
 * @param seed    any value; different seeds give unrelated sequences
 * @param stream  any value; sequences of one seed that never overlap
 */
DOPT_API dopt_rng dopt_rng_init(uint64_t seed, uint64_t stream);

/** Next 64 random bits. `rng` must not be NULL. */
DOPT_API uint64_t dopt_rng_uint64(dopt_rng *rng);

/** Next uniform number in [0, 1), a multiple of 2^-53. `rng` must not be NULL. */
DOPT_API double dopt_rng_uniform(dopt_rng *rng);

/** Next standard normal number, by Box and Muller from two uniform ones. `rng` must not be NULL. */
DOPT_API double dopt_rng_normal(dopt_rng *rng);

/** Next integer in [0, bound), without bias; 0 when `bound` is 0. `rng` must not be NULL. */
DOPT_API uint64_t dopt_rng_below(dopt_rng *rng, uint64_t bound);

/**
 * Fill a matrix with independent N(0, stddev^2) numbers, in row order whatever its layout.
 *
 * @param[in,out] rng     advanced by two numbers for each element
 * @param[out]    out     any shape and dtype; untouched on failure
 * @param[in]     stddev  finite, >= 0
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, or `stddev` is out of range
 * @retval DOPT_ERR_SHAPE    `out` is not a valid view
 */
DOPT_API dopt_status dopt_rng_fill_normal(dopt_rng *rng, dopt_mat out, double stddev);

/**
 * One Philox4x32-10 block: four 32-bit words from a counter and a key.
 *
 * The primitive behind the rest; its known answers are part of the tests. The arrays must not be NULL.
 */
DOPT_API void dopt_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/**
 * Where index `i` goes in the pseudo-random permutation of 0 ... n - 1 that belongs to (seed, round).
 *
 * A function of its arguments alone, without memory: a data set is visited in shuffled order without
 * moving or listing it. A Feistel network on pairs of numbers below about sqrt(n), walked until the value is below n.
 *
 * @param n  >= 1
 * @param i  in [0, n)
 * @return   in [0, n); each value once as i runs through its range. n, which is no index, where i or n is out of range
 *
 * Cost: O(1); dopt_rng_permute_rows() is faster for many.
 * Thread safety: any thread, any time.
 */
DOPT_API uint64_t dopt_rng_permute(uint64_t seed, uint64_t round, uint64_t n, uint64_t i);

/**
 * dopt_rng_permute() of first ... first + count - 1: the rows of a minibatch.
 *
 * @param[in]  n             in [1, 2147483647]
 * @param[in]  first, count  a range in [0, n)
 * @param[out] rows          `count` numbers; untouched on failure
 *
 * Cost: a few cycles for each number.
 *
 * @retval DOPT_ERR_INVALID  `rows` is NULL, or a value is out of range
 */
DOPT_API dopt_status dopt_rng_permute_rows(uint64_t seed, uint64_t round, ptrdiff_t n, ptrdiff_t first,
                                           ptrdiff_t count, ptrdiff_t *rows);

DOPT_END_DECLS

#endif
