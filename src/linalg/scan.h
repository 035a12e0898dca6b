/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_SCAN_H
#define DEPTHOPT_LINALG_SCAN_H

/*
 * One look over a matrix, and plain copies. The views are valid.
 *
 * LAPACK is never shown a number that is not finite: gesdd hangs on an infinity, syevr on a NaN.
 */

#include <stdbool.h>

#include <depthopt/mat.h>
#include <depthopt/status.h>

/* max |m_rc|; a NaN or an infinity anywhere gives INFINITY. */
double dopt__max_abs(dopt_cmat m);

bool dopt__all_finite(dopt_cmat m);

/* DOPT_ERR_NONFINITE with the position of the first NaN or infinity. */
dopt_status dopt__check_finite(const char *func, const char *name, dopt_cmat m);

/* ||m||_F, without overflow. */
double dopt__norm(dopt_cmat m);

/* to = factor * from; same shape, any layouts and dtypes; no overlap but to == from. */
void dopt__copy(double factor, dopt_cmat from, dopt_mat to);

/* Every element `value`. */
void dopt__fill(dopt_mat m, double value);

#endif
