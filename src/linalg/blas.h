/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_BLAS_H
#define DEPTHOPT_LINALG_BLAS_H

/*
 * Products of views. The views are valid and fit each other (asserted); transposes are transposed views.
 * blas.c and lapack.c are the only files that include cblas.h and lapacke.h.
 */

#include <depthopt/mat.h>

/* c = alpha a b + beta c; one dtype; c overlaps neither a nor b. beta = 0 does not read c. */
void dopt__gemm(double alpha, dopt_cmat a, dopt_cmat b, double beta, dopt_mat c);

/* The triangle of c = a a^T that lies on and above the diagonal; c is square, same dtype. */
void dopt__syrk_upper(dopt_cmat a, dopt_mat c);

#endif
