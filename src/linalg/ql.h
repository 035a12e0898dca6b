/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_QL_H
#define DEPTHOPT_LINALG_QL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cpu.h"

/*
 * Eigendecomposition of a small symmetric matrix: Householder's reduction to tridiagonal form, then the implicit QL
 * algorithm (Bowdler, Martin, Reinsch, Wilkinson 1968; Golub and Van Loan, Matrix Computations, 8.3).
 *
 * The upper triangle of a (n x n, row-major) counts; a survives. Values ascend; row i of vectors is the eigenvector of
 * value i. work: n^2 + 3n. About 9 n^3 flops. False: no convergence, or a number that is not finite.
 */
typedef struct dopt__ql_solver {
    bool (*solve)(ptrdiff_t n, const double *a, double *values, double *vectors, double *work);
} dopt__ql_solver;

DOPT__DECLARE_BY_ISA(dopt__ql_solver, dopt__ql_solver)

#endif
