/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_BASIS_H
#define DEPTHOPT_E2E_BASIS_H

#include <depthopt/status.h>

#include "e2e/e2e_state.h"

/*
 * Decompose a wide w (small x d), whose largest magnitude is `largest`: U and V into the workspace, s / s_1 and s_1
 * into the handle. `narrow`: float32's rounding is good enough for a float32 w. Where `spare_v` is true and the values
 * are close together, V is not formed: dopt__svd_has_vt() tells. DOPT_ERR_NUMERICAL: nothing converged, or s_1
 * overflows.
 */
dopt_status dopt__basis_refresh(dopt_e2e *e2e, const char *func, dopt_cmat w, double largest, bool spare_v,
                                bool narrow);

/* What the test of a kept basis says. */
typedef enum dopt__fit_of_basis {
    DOPT__BASIS_USELESS, /* it was not tested, or lets nothing be said of w */
    DOPT__BASIS_MISSES,  /* w has turned too far; s is the diagonal, for a look at what that does to P */
    DOPT__BASIS_SERVES   /* s is the diagonal */
} dopt__fit_of_basis;

/*
 * Whether the basis of an earlier call serves for w: the part of U^T w V off the diagonal, and the part of w outside of
 * V, are together a share of ||w||_F (to *lacking) that leads to an error of P within the handle's tolerance. After
 * failed tests in a row some calls go without one, so that a w that turns fast does not pay for many. `u` and `vt` are
 * that basis in w's dtype; y (as w) and m (small x rank) are scratch of the same dtype.
 */
dopt__fit_of_basis dopt__basis_test(dopt_e2e *e2e, dopt_cmat w, dopt_cmat u, dopt_cmat vt, dopt_mat y, dopt_mat m,
                                    double *lacking);

/* What the last test would have led to: a relative error of P at a share `lacking`. */
void dopt__basis_learn(dopt_e2e *e2e, double error, double lacking);

#endif
