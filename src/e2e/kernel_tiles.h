/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_KERNEL_TILES_H
#define DEPTHOPT_E2E_KERNEL_TILES_H

/*
 * The elementwise product with K, tile by tile: K is symmetric, so each pair of singular values is evaluated once, for
 * two places of the matrix. The operations on an element are the same in all instruction sets, and so are the bits.
 */

#include <stddef.h>

#include "base/cpu.h"

/* m_ij <- (K_ij - null_i) m_ij for i, j = 0 ... n - 1; m is n x n with rows `stride` apart. */
typedef struct dopt__kernel_tiles {
    /* By the sum of an integer N, from t_i = s_i^{2/N}. */
    void (*by_sum)(ptrdiff_t n, int depth, const double *t, const double *null, double *m, ptrdiff_t stride);
    /* By logarithms, from l_i = log s_i and scale_i = s_i^{2-2/N}. */
    void (*by_logs)(ptrdiff_t n, double depth, const double *l, const double *scale, const double *null, double *m,
                    ptrdiff_t stride);
} dopt__kernel_tiles;

DOPT__DECLARE_BY_ISA(dopt__kernel_tiles, dopt__kernel_tiles)

#endif
