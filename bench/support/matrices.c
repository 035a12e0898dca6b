/* SPDX-License-Identifier: MIT */
#include "matrices.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include <depthopt/depthopt.h>

const char *const spectrum_names[SPECTRUM_COUNT] = { "random", "plain",   "graded",   "steep", "clusters",
                                                     "equal",  "lowrank", "nearzero", "huge" };

double *numbers_new(size_t count)
{
    const size_t line = 64, size = (count * sizeof(double) + line - 1) / line * line;
    double *x = aligned_alloc(line, size);
    if (!x) {
        (void)fprintf(stderr, "no memory for %zu numbers\n", count);
        exit(EXIT_FAILURE);
    }
    memset(x, 0, size);
    return x;
}

void numbers_normal(double *x, size_t count, unsigned stream, double stddev)
{
    dopt_rng rng = dopt_rng_init(2718, stream);
    for (size_t i = 0; i < count; i++)
        x[i] = stddev * dopt_rng_normal(&rng);
}

/* k orthonormal rows of length d. */
static double *orthonormal_rows(ptrdiff_t k, ptrdiff_t d, unsigned stream)
{
    double *q = numbers_new((size_t)(k * d)), *tau = numbers_new((size_t)k);
    numbers_normal(q, (size_t)(k * d), stream, 1.0);
    if (LAPACKE_dgeqrf(LAPACK_COL_MAJOR, (int)d, (int)k, q, (int)d, tau) != 0 ||
        LAPACKE_dorgqr(LAPACK_COL_MAJOR, (int)d, (int)k, (int)k, q, (int)d, tau) != 0) {
        (void)fprintf(stderr, "LAPACK's QR factorisation failed\n");
        exit(EXIT_FAILURE);
    }
    free(tau);
    return q;
}

static double value_of(spectrum kind, ptrdiff_t i, ptrdiff_t k, dopt_rng *rng)
{
    static const double clusters[] = { 1.0, 0.05, 0.0025, 1e-6, 1e-9, 1e-12 };
    const double along = k > 1 ? (double)i / (double)(k - 1) : 0.0, normal = dopt_rng_normal(rng);
    switch (kind) {
    case SPECTRUM_PLAIN: return fabs(normal) + 0.1;
    case SPECTRUM_GRADED: return pow(10.0, -10.0 * along);
    case SPECTRUM_STEEP: return pow(10.0, -14.0 * along);
    case SPECTRUM_CLUSTERS: return clusters[6 * i / k];
    case SPECTRUM_LOWRANK: return i < k / 2 ? 1.0 + dopt_rng_uniform(rng) : 0.0;
    case SPECTRUM_NEARZERO: return 1e-6 * exp(2.0 * normal);
    case SPECTRUM_HUGE: return 1e60 * exp(normal);
    default: return 0.37;
    }
}

void matrix_with(spectrum kind, ptrdiff_t k, ptrdiff_t d, double *w)
{
    if (kind == SPECTRUM_RANDOM) {
        numbers_normal(w, (size_t)(k * d), 1, 0.05);
        return;
    }
    dopt_rng rng = dopt_rng_init(2718, 2);
    double *u = orthonormal_rows(k, k, 3), *v = orthonormal_rows(k, d, 4);
    for (ptrdiff_t i = 0; i < k; i++)
        cblas_dscal((int)d, value_of(kind, i, k, &rng), v + i * d, 1);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)k, (int)d, (int)k, 1.0, u, (int)k, v, (int)d, 0.0, w,
                (int)d);
    free(u);
    free(v);
}

double relative_distance(const double *a, const double *b, size_t count)
{
    double top = 0.0, difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < count; i++)
        top = fmax(top, fabs(b[i]));
    for (size_t i = 0; i < count; i++) {
        difference += pow((a[i] - b[i]) / top, 2.0);
        norm += pow(b[i] / top, 2.0);
    }
    return sqrt(difference / norm);
}
