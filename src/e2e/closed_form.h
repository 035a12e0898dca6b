/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_CLOSED_FORM_H
#define DEPTHOPT_E2E_CLOSED_FORM_H

/*
 * Moves that need no decomposition: N = 1, where P_w(grad) is grad itself, and a single row or column (Claim 2),
 *
 *     P_w(g) = |w|^{2-2/N} (g + (N - 1) u u^T g),   u = w / |w|;      N = INFINITY: lim P/N = |w|^2 u u^T g
 *
 * DOPT_ERR_NUMERICAL: overflow, nothing written.
 */

#include <stdbool.h>

#include <depthopt/status.h>

#include "e2e/move.h"

dopt_status dopt__closed_identity(dopt__move move);
dopt_status dopt__closed_vector(dopt__move move, double depth);

/*
 * The second without a look at w and grad beforehand: in two passes, if both are contiguous, finite and of ordinary
 * size. False: they are not, and nothing was written. move's largest_w and largest_grad are not used.
 */
bool dopt__closed_fast(dopt__move move, double depth);

#endif
