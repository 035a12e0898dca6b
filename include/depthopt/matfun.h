/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MATFUN_H
#define DEPTHOPT_MATFUN_H

/**
 * @file depthopt/matfun.h
 * Real powers of symmetric positive semidefinite matrices.
 */

#include <depthopt/alloc.h>
#include <depthopt/mat.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/**
 * out = a^power for a symmetric positive semidefinite `a`.
 *
 * With a = E diag(l) E^T, out = E diag(l^power) E^T. Power 0 gives the identity, on the null space too.
 * Eigenvalues between -n eps ||a|| and 0 are the rounding of a zero and count as 0; a more negative one
 * makes the call fail.
 *
 * Do not build the end-to-end preconditioner from powers of W W^T and W^T W: an eigenvalue that should be
 * zero comes back as eps, and eps^(1/N) is not small. dopt_e2e_apply() (depthopt/e2e.h) has no such loss.
 *
 * @param[in]  a      n x n, finite, symmetric to within n eps max|a|; its symmetric part is used
 * @param[in]  power  finite, >= 0
 * @param[out] out    n x n, same dtype; may be `a` itself, must not overlap it otherwise; untouched on failure
 *
 * Cost: one symmetric eigendecomposition and one product of order n, in double for either dtype.
 * Memory: allocates and frees about 4 n^2 doubles (malloc).
 * Accuracy: out is exact for some a + da with ||da|| <= c n eps ||a||.
 * Thread safety: any thread, any time.
 *
 * @retval DOPT_ERR_INVALID    `power` is out of range, `a` is not symmetric, n exceeds 32766, or `out` overlaps `a`
 * @retval DOPT_ERR_SHAPE      `a` is not square, or `out` has another shape
 * @retval DOPT_ERR_DTYPE      `a` and `out` differ in dtype
 * @retval DOPT_ERR_NONFINITE  `a` holds a NaN or an infinity
 * @retval DOPT_ERR_NUMERICAL  `a` has a negative eigenvalue, the result overflows, or no solver converged
 * @retval DOPT_ERR_NOMEM      no memory
 */
DOPT_API dopt_status dopt_sym_power(dopt_cmat a, double power, dopt_mat out);

DOPT_END_DECLS

#endif
