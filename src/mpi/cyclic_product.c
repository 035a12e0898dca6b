/* SPDX-License-Identifier: MIT */
/*
 * P_W(G) over ranks, by the products of src/e2e/product.c:
 *
 *     Y = U^T G,  B = Y V,  M = (K - null 1^T) o B,  P = U (M V^T + diag(null) Y)
 *
 * float32: the products are float32's, K and the basis are float64's.
 */

#include "mpi/cyclic_product.h"

#include <depthopt/e2e.h>

static void narrow(const dopt__cyclic *from, const dopt__cyclic *to)
{
    for (ptrdiff_t i = 0; i < from->local_rows * from->local_cols; i++)
        to->at32[i] = (float)from->at[i];
}

dopt__factors dopt__factors_of(const dopt__basis *b, dopt_dtype dtype)
{
    dopt__factors f = { b->u, b->vt, b->wide, b->y, b->square };
    if (dtype == DOPT_F64)
        return f;
    float *wide = (float *)(void *)b->wide.at; /* room for two */
    f.u = dopt__cyclic_narrow(&b->u, (float *)(void *)b->vectors.at);
    f.vt = dopt__cyclic_narrow(&b->vt, wide + b->vt.local_rows * b->vt.local_cols);
    f.grad = dopt__cyclic_narrow(&b->wide, wide);
    f.y = dopt__cyclic_narrow(&b->y, (float *)(void *)b->y.at);
    f.m = dopt__cyclic_narrow(&b->square, (float *)(void *)b->square.at);
    narrow(&b->u, &f.u);
    narrow(&b->vt, &f.vt);
    return f;
}

static void scale(const dopt__cyclic *m, ptrdiff_t i, ptrdiff_t j, double factor)
{
    const ptrdiff_t at = i + j * m->local_rows;
    if (m->at)
        m->at[at] *= factor;
    else
        m->at32[at] = (float)(factor * (double)m->at32[at]);
}

/* M <- (K - null 1^T) o M;  Y <- diag(null) Y, where V has a null space. null_r is K(s_r, 0). */
static void multiply_by_kernel(const dopt__basis *b, double depth, bool complete, double *null, const dopt__factors *f)
{
    const ptrdiff_t cols = dopt__cyclic_cols_before(&b->grid, b->rank);
    for (ptrdiff_t i = 0; i < b->k; i++)
        null[i] = complete ? 0.0 : dopt_e2e_kernel(b->values[i], 0.0, depth);
    for (ptrdiff_t j = 0; j < cols; j++) {
        const double s = b->values[b->first + dopt__cyclic_col(&b->grid, j)];
        for (ptrdiff_t i = 0; i < f->m.local_rows; i++) {
            const ptrdiff_t row = dopt__cyclic_row(&b->grid, i);
            scale(&f->m, i, j, dopt_e2e_kernel(b->values[row], s, depth) - null[row]);
        }
    }
    for (ptrdiff_t j = 0; j < f->y.local_cols && !complete; j++)
        for (ptrdiff_t i = 0; i < f->y.local_rows; i++)
            scale(&f->y, i, j, null[dopt__cyclic_row(&b->grid, i)]);
}

void dopt__cyclic_product(const dopt__basis *b, double depth, double factor, double *null, dopt__factors *f)
{
    const bool complete = b->rank == b->d; /* V spans everything: no null space */
    const dopt__part grad = dopt__part_of(&f->grad, 0, 0), y = dopt__part_of(&f->y, 0, 0),
                     m = dopt__part_of(&f->m, 0, 0);
    dopt__cyclic_gemm(b->k, b->d, b->k, 1.0, dopt__part_transposed(&f->u, 0, 0), grad, 0.0, y);
    if (b->rank > 0)
        dopt__cyclic_gemm(b->k, b->rank, b->d, 1.0, y, dopt__part_transposed(&f->vt, b->first, 0), 0.0, m);
    multiply_by_kernel(b, depth, complete, null, f);
    if (b->rank > 0)
        dopt__cyclic_gemm(b->k, b->d, b->rank, 1.0, m, dopt__part_of(&f->vt, b->first, 0), complete ? 0.0 : 1.0, y);
    dopt__cyclic_gemm(b->k, b->d, b->k, factor, dopt__part_of(&f->u, 0, 0), y, 0.0, grad);
}
