/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_E2E_PRODUCT_H
#define DEPTHOPT_E2E_PRODUCT_H

#include <depthopt/status.h>

#include "e2e/e2e_state.h"
#include "e2e/move.h"

/*
 * The move of a wide w with at least two rows, at a depth above 1. `largest_w` and `largest_grad` of the move are
 * finite. DOPT_ERR_NUMERICAL: no decomposition converged, or something overflows; nothing is written then.
 */
dopt_status dopt__product(dopt_e2e *e2e, dopt__move move);

#endif
