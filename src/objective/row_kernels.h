/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_ROW_KERNELS_H
#define DEPTHOPT_OBJECTIVE_ROW_KERNELS_H

/*
 * The inner loops of an objective with one output, on rows of double or of float ("lines": for column-major data they
 * are pieces of columns).
 *
 * The sums have one order, whatever the instruction set, the tile, or what is prefetched:
 *
 *     x . w         one lane for each element of a 64-byte block; then halves of lanes added to halves until one
 *                   is left; then the columns after the last whole block, one by one
 *     sum_i a_i x_i, sum_i l_i    in the order of the rows
 *
 * with products and sums rounded separately, so that all variants give the same bits.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cpu.h"
#include "loss/loss_rows.h"

/* Where the rows come from, which decides what is prefetched. The results are the same. */
typedef enum dopt__source {
    DOPT__CACHED,   /* they follow each other, in a cache */
    DOPT__STREAMED, /* they follow each other, in memory */
    DOPT__SCATTERED /* anywhere: rows[i + DOPT__AHEAD] is fetched with rows[i] */
} dopt__source;

enum { DOPT__AHEAD = 8 };

/* One pass over rows. */
typedef struct dopt__pass {
    const dopt_loss *loss;
    dopt__loss_form form;
    double parameter, weight;
    const void *w; /* n elements, of the dtype of the rows */
    ptrdiff_t n;
    dopt__source source;
} dopt__pass;

/* For one dtype; pointers are to its elements. */
typedef struct dopt__row_kernels {
    /* out_i = lines_i . v */
    void (*dot)(ptrdiff_t count, const void *const *lines, ptrdiff_t n, const void *v, void *out);
    /* sum += coef_0 lines_0 + coef_1 lines_1 + ... */
    void (*add)(ptrdiff_t count, const void *const *lines, ptrdiff_t n, const void *coef, void *sum);
    /* Returns weight * sum of l; sum += weight * dl/dz_i rows_i. `sum` NULL: the value only. As
       many as DOPT__AHEAD elements of `rows` beyond count can be read. */
    double (*pass)(const dopt__pass *pass, ptrdiff_t count, const void *const *rows, const double *y, void *sum);
} dopt__row_kernels;

/* By dtype: DOPT_F64, DOPT_F32. */
typedef struct dopt__row_table {
    dopt__row_kernels of[2];
} dopt__row_table;

DOPT__DECLARE_BY_ISA(dopt__row_table, dopt__row_table)

#endif
