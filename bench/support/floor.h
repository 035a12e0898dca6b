/* SPDX-License-Identifier: MIT */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

/*
 * What the preconditioner is measured against, for k <= d: the BLAS and LAPACK calls that it cannot avoid, and the same
 * thing by LAPACK's SVD, both with the workspace allocated beforehand.
 */

#include <stddef.h>

typedef struct job {
    ptrdiff_t k, d;
    int depth; /* an integer, for the route by SVD */
    const double *w, *grad;
    double *gram, *values, *inner, *small; /* k x k, k, k x k, k x k */
    double *wide, *vt, *out;               /* k x d */
    double *work;
    int *iwork;
    int work_count, iwork_count;
} job;

job job_new(ptrdiff_t k, ptrdiff_t d, int depth, const double *w, const double *grad);
void job_free(job *j);

/* Each takes a job *. */
void floor_syrk(void *state);
void floor_eigen(void *state);
void floor_products(void *state);
void floor_all(void *state);

/* P_W(G) into out. */
void svd_route(void *state);

/* A single row: two inner products and a combination of two vectors. */
void floor_vector(void *state);

#endif
