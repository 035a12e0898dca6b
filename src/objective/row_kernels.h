/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_ROW_KERNELS_H
#define DEPTHOPT_OBJECTIVE_ROW_KERNELS_H

/*
 * The inner loop of an objective with few outputs: a pass, for one of them, over rows of double or of float, with the
 * sums of linalg/line_kernels.h over rows and columns, and those over the losses in the order of the rows. All variants
 * give the same bits.
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

/*
 * Returns weight * sum of l; sum += weight * dl/dz_i rows_i. `sum` NULL: the value only. As many as DOPT__AHEAD
 * elements of `rows` beyond count can be read. Pointers are to elements of the dtype.
 */
typedef double (*dopt__pass_fn)(const dopt__pass *pass, ptrdiff_t count, const void *const *rows, const double *y,
                                void *sum);

/* By dtype: DOPT_F64, DOPT_F32. */
typedef struct dopt__row_table {
    dopt__pass_fn pass[2];
} dopt__row_table;

DOPT__DECLARE_BY_ISA(dopt__row_table, dopt__row_table)

#endif
