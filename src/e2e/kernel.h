/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_KERNEL_H
#define DEPTHOPT_E2E_KERNEL_H

/*
 * The eigenvalues of the preconditioner (Claim 1),
 *
 *     K(a, b) = sum_{j=1..N} a^{2(j-1)/N} b^{2(N-j)/N} = (a^2 - b^2) / (a^{2/N} - b^{2/N}),
 *
 * for singular values a, b >= 0 and real N > 1; for N = INFINITY, lim K/N = (a^2 - b^2) / (2 log(a / b)).
 */

#include <stddef.h>

/* s^{2 - 2/N}, to which K is homogeneous, K(x a, x b) = x^{2-2/N} K(a, b). s^2 for N = INFINITY. */
double dopt__kernel_scale(double s, double depth);

/* K(s, 0): s^{2 - 2/N}, or 0 for N = INFINITY. */
double dopt__kernel_null(double s, double depth);

/* K(a, b). */
double dopt__kernel(double a, double b, double depth);

/*
 * m_rc <- (K(s_r, s_c) - null_r) m_rc for all k rows r and for c = first ... first + rank - 1, where s is not zero; m
 * is k x rank, row-major without gaps. s in [0, 1]. `table`: 2k doubles of scratch.
 */
void dopt__kernel_apply(ptrdiff_t k, ptrdiff_t first, ptrdiff_t rank, const double *s, const double *null, double depth,
                        double *m, double *table);

#endif
