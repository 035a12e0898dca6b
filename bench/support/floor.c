/* SPDX-License-Identifier: MIT */
#include "floor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "matrices.h"

static int most(int a, int b)
{
    return a > b ? a : b;
}

job job_new(ptrdiff_t k, ptrdiff_t d, int depth, const double *w, const double *grad)
{
    const size_t square = (size_t)(k * k), wide = (size_t)(k * d);
    job j = { k, d, depth, w, grad, .iwork_count = most(3 + 5 * (int)k, 8 * (int)k) };
    double best = 0.0;
    (void)LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)d, (int)k, &best, (int)d, &best, &best, (int)d, &best, (int)k,
                              &best, -1, &j.iwork_count);
    j.iwork_count = most(3 + 5 * (int)k, 8 * (int)k);
    j.work_count = most((int)best, 1 + 6 * (int)k + 2 * (int)(k * k));
    j.gram = numbers_new(square);
    j.inner = numbers_new(square);
    j.small = numbers_new(square);
    j.values = numbers_new((size_t)k);
    j.wide = numbers_new(wide);
    j.vt = numbers_new(wide);
    j.out = numbers_new(wide);
    j.work = numbers_new((size_t)j.work_count);
    j.iwork = calloc((size_t)j.iwork_count, sizeof *j.iwork);
    return j;
}

void job_free(job *j)
{
    double *const all[] = { j->gram, j->inner, j->small, j->values, j->wide, j->vt, j->out, j->work };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(j->iwork);
}

static void fail_unless(int info, const char *name)
{
    if (info == 0)
        return;
    (void)fprintf(stderr, "%s failed with info %d\n", name, info);
    exit(EXIT_FAILURE);
}

/* c (m x n) = a b, row-major without gaps, either operand transposed. */
static void multiply(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, const double *a,
                     const double *b, double beta, double *c)
{
    cblas_dgemm(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, 1.0, a, (int)(ta == CblasNoTrans ? k : m), b,
                (int)(tb == CblasNoTrans ? n : k), beta, c, (int)n);
}

void floor_syrk(void *state)
{
    const job *j = state;
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)j->k, (int)j->d, 1.0, j->w, (int)j->d, 0.0, j->gram,
                (int)j->k);
}

/* Destroys the Gram matrix: floor_syrk() first. */
void floor_eigen(void *state)
{
    const job *j = state;
    fail_unless(LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'U', (int)j->k, j->gram, (int)j->k, j->values, j->work,
                                    j->work_count, j->iwork, j->iwork_count),
                "syevd");
}

void floor_products(void *state)
{
    const job *j = state;
    const double *ut = j->gram;
    multiply(CblasNoTrans, CblasNoTrans, j->k, j->d, j->k, ut, j->w, 0.0, j->vt);
    multiply(CblasNoTrans, CblasNoTrans, j->k, j->d, j->k, ut, j->grad, 0.0, j->wide);
    multiply(CblasNoTrans, CblasTrans, j->k, j->k, j->d, j->wide, j->vt, 0.0, j->inner);
    multiply(CblasNoTrans, CblasNoTrans, j->k, j->d, j->k, j->inner, j->vt, 1.0, j->wide);
    multiply(CblasTrans, CblasNoTrans, j->k, j->d, j->k, ut, j->wide, 0.0, j->out);
}

void floor_all(void *state)
{
    floor_syrk(state);
    floor_eigen(state);
    floor_products(state);
}

/* a^{2(j-1)/N} b^{2(N-j)/N}, summed, from t = s^{2/N} */
static double kernel(double ta, double tb, int depth)
{
    double sum = 1.0, power = 1.0;
    for (int i = 1; i < depth; i++) {
        power *= tb;
        sum = sum * ta + power;
    }
    return sum;
}

void svd_route(void *state)
{
    job *j = state;
    const ptrdiff_t k = j->k, d = j->d;
    memcpy(j->out, j->w, (size_t)(k * d) * sizeof *j->out);
    fail_unless(LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'S', (int)d, (int)k, j->out, (int)d, j->values, j->vt, (int)d,
                                    j->small, (int)k, j->work, j->work_count, j->iwork),
                "gesdd");
    multiply(CblasTrans, CblasNoTrans, k, d, k, j->small, j->grad, 0.0, j->wide);
    multiply(CblasNoTrans, CblasTrans, k, k, d, j->wide, j->vt, 0.0, j->inner);
    for (ptrdiff_t i = 0; i < k; i++)
        j->values[i] = pow(j->values[i], 2.0 / j->depth);
    for (ptrdiff_t r = 0; r < k; r++) {
        const double null = pow(j->values[r], j->depth - 1);
        for (ptrdiff_t c = 0; c < k; c++)
            j->inner[r * k + c] *= kernel(j->values[r], j->values[c], j->depth) - null;
        cblas_dscal((int)d, null, j->wide + r * d, 1);
    }
    multiply(CblasNoTrans, CblasNoTrans, k, d, k, j->inner, j->vt, 1.0, j->wide);
    multiply(CblasNoTrans, CblasNoTrans, k, d, k, j->small, j->wide, 0.0, j->out);
}

void floor_vector(void *state)
{
    const job *j = state;
    const int d = (int)j->d;
    const double a = cblas_ddot(d, j->w, 1, j->w, 1), b = cblas_ddot(d, j->w, 1, j->grad, 1);
    cblas_daxpby(d, b / (a + 1.0), j->w, 1, 1e-3, j->out, 1);
}
