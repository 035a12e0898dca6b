/* SPDX-License-Identifier: MIT */
/*
 * A product is thin if c has few rows or columns, or a few columns (b rows). Row i of c = a b is
 *
 *     sum_l a_il b_l        where the rows b_l are stored contiguously, as is that of c
 *     (a_i . b^j)_j         where the columns b^j are, as is a_i
 *
 * and columns of c are rows of c^T = b^T a^T.
 */

#include "linalg/thin.h"

#include <stdbool.h>
#include <string.h>

#include "linalg/blas.h"
#include "linalg/line_kernels.h"

/* Extents up to which this is faster than a matrix product. */
enum { few = 4, chunk = 64 };

static size_t size_of(dopt_cmat m)
{
    return m.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
}

static const char *element(dopt_cmat m, ptrdiff_t row, ptrdiff_t col)
{
    return (const char *)m.data + (size_t)(row * m.row_stride + col * m.col_stride) * size_of(m);
}

static char *target(dopt_mat m, ptrdiff_t row, ptrdiff_t col)
{
    return (char *)m.data + (size_t)(row * m.row_stride + col * m.col_stride) * size_of(dopt_const(m));
}

static const dopt__line_kernels *kernels_for(dopt_cmat m)
{
    return &DOPT__BY_ISA(dopt__line_table, dopt__cpu_isa())->of[m.dtype];
}

static bool contiguous_rows(dopt_cmat m)
{
    return m.col_stride == 1 || m.cols == 1;
}

static ptrdiff_t at_most(ptrdiff_t x, ptrdiff_t top)
{
    return x < top ? x : top;
}

/* Elements first ... first + some - 1 of row i, in place or in `buffer`. */
static const void *gather(dopt_cmat a, ptrdiff_t i, ptrdiff_t first, ptrdiff_t some, double *buffer)
{
    const size_t size = size_of(a);
    if (contiguous_rows(a))
        return element(a, i, first);
    for (ptrdiff_t l = 0; l < some; l++)
        memcpy((char *)buffer + (size_t)l * size, element(a, i, first + l), size);
    return buffer;
}

/* c_i = sum_l a_il b_l */
static void combine_rows(dopt_cmat a, dopt_cmat b, dopt_mat c)
{
    const size_t size = size_of(a);
    const dopt__line_kernels *kernels = kernels_for(a);
    for (ptrdiff_t first = 0; first < b.rows; first += chunk) {
        const ptrdiff_t some = at_most(b.rows - first, chunk);
        const void *lines[chunk];
        double gathered[chunk];
        for (ptrdiff_t l = 0; l < some; l++)
            lines[l] = element(b, first + l, 0);
        for (ptrdiff_t i = 0; i < c.rows; i++) {
            const void *coef = gather(a, i, first, some, gathered);
            if (b.rows == 1) {
                kernels->scale(c.cols, lines[0], coef, target(c, i, 0));
                continue;
            }
            if (first == 0)
                memset(target(c, i, 0), 0, (size_t)c.cols * size);
            kernels->add(some, lines, c.cols, coef, target(c, i, 0));
        }
    }
}

/* c_ij = a_i . b^j */
static void project_columns(dopt_cmat a, dopt_cmat b, dopt_mat c)
{
    const size_t size = size_of(a);
    const dopt__line_kernels *kernels = kernels_for(a);
    for (ptrdiff_t first = 0; first < b.cols; first += chunk) {
        const ptrdiff_t some = at_most(b.cols - first, chunk);
        const void *lines[chunk];
        char along[chunk * sizeof(double)];
        for (ptrdiff_t j = 0; j < some; j++)
            lines[j] = element(b, 0, first + j);
        for (ptrdiff_t i = 0; i < c.rows; i++) {
            kernels->dot(some, lines, a.cols, element(a, i, 0), along);
            if (c.col_stride == 1)
                memcpy(target(c, i, first), along, (size_t)some * size);
            for (ptrdiff_t j = 0; j < some && c.col_stride != 1; j++)
                memcpy(target(c, i, first + j), along + (size_t)j * size, size);
        }
    }
}

/* Row by row, if the rows of c are few, or short sums, and the layouts allow it. */
static bool by_rows(dopt_cmat a, dopt_cmat b, dopt_mat c)
{
    if ((c.rows <= few || a.cols <= few) && contiguous_rows(b) && contiguous_rows(dopt_const(c))) {
        combine_rows(a, b, c);
        return true;
    }
    if (c.rows <= few && contiguous_rows(dopt_ctransposed(b)) && contiguous_rows(a)) {
        project_columns(a, b, c);
        return true;
    }
    return false;
}

void dopt__multiply(dopt_cmat a, dopt_cmat b, dopt_mat c)
{
    if (!by_rows(a, b, c) && !by_rows(dopt_ctransposed(b), dopt_ctransposed(a), dopt_transposed(c)))
        dopt__gemm(1.0, a, b, 0.0, c);
}
