/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_STATE_H
#define DEPTHOPT_E2E_STATE_H

#include <stdbool.h>

#include <depthopt/e2e.h>

#include "base/busy.h"
#include "linalg/svd.h"

/* The handle. All that follows is about wide matrices: a tall w is handled as its transpose. */
struct dopt_e2e {
    dopt__busy busy;
    dopt_e2e_options options;
    ptrdiff_t rows, cols, small; /* small: the lesser of the two */
    double depth;
    dopt__svd *svd;           /* U and V of the last refresh, and memory; NULL for a single row or column */
    double *s, *null, *table; /* s / s_1, null_r / s_1^(2-2/N), and scratch: small, small, 2 small */
    double top;               /* s_1 */
    bool has_basis;           /* svd holds U and V */
    bool is_narrow;           /* which are orthonormal to float32's rounding only */
    int misses, untested;     /* failed tests of the basis in a row; calls that still go without one */
    double sensitivity;       /* error of P over what w lacks of its basis, as last seen */
    double *guess;            /* P by a basis that does not serve any more: small x d; NULL if none is kept */
    int64_t refreshes;
    dopt_e2e_route route;
};

#endif
