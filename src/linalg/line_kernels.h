/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_LINE_KERNELS_H
#define DEPTHOPT_LINALG_LINE_KERNELS_H

/*
 * Inner products and linear combinations of lines: rows or columns that are stored contiguously, of double or float.
 *
 * The sums have one order, whatever the instruction set or what is prefetched:
 *
 *     x . v            one lane for each element of a 64-byte block; then halves of lanes added to halves until one is
 *                      left; then the elements after the last whole block, one by one
 *     sum_i a_i x_i    in the order of the lines
 *
 * with products and sums rounded separately, so that all variants give the same bits.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/cpu.h"

/* For one dtype; pointers are to its elements. */
typedef struct dopt__line_kernels {
    /* out_i = lines_i . v */
    void (*dot)(ptrdiff_t count, const void *const *lines, ptrdiff_t n, const void *v, void *out);
    /* sum += coef_0 lines_0 + coef_1 lines_1 + ... */
    void (*add)(ptrdiff_t count, const void *const *lines, ptrdiff_t n, const void *coef, void *sum);
    /* out = coef_0 line */
    void (*scale)(ptrdiff_t n, const void *line, const void *coef, void *out);
    /* out -= rate (coef_0 line), for the dtype's rate */
    void (*lower)(ptrdiff_t n, const void *line, const void *coef, double rate, void *out);
    /* No infinity and no NaN among n numbers. */
    bool (*finite)(ptrdiff_t n, const void *line);
} dopt__line_kernels;

/* By dtype: DOPT_F64, DOPT_F32. */
typedef struct dopt__line_table {
    dopt__line_kernels of[2];
} dopt__line_table;

DOPT__DECLARE_BY_ISA(dopt__line_table, dopt__line_table)

#endif
