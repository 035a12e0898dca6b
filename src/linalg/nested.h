/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_NESTED_H
#define DEPTHOPT_LINALG_NESTED_H

#include "linalg/svd_workspace.h"

/*
 * The nested method. w may be the workspace's own vt. `narrow`: the same matrix in float32, where its rounding is good
 * enough for the larger part of the result; data NULL: not so. False: no eigendecomposition converged.
 */
bool dopt__nested(dopt__svd *svd, dopt_cmat w, dopt_cmat narrow);

/*
 * A corrected level. The first `order` rows of vt are Z = E^T R, with E^T in `vectors`; rows from *cut on are what a
 * plain level takes, and stay. The rows before are rotated, in Z and E^T, so that rows new *cut ... old *cut - 1 become
 * orthogonal to all others but those from the old *cut on, with a new *cut that is lower. False: none was found, and Z
 * and E^T are at most rotated within clusters of rows of nearly equal norms.
 */
bool dopt__refine(dopt__svd *svd, ptrdiff_t order, double *vectors, ptrdiff_t *cut);

#endif
