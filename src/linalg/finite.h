/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_FINITE_H
#define DEPTHOPT_LINALG_FINITE_H

/* The check of every step, at the speed of memory. */

#include <depthopt/mat.h>
#include <depthopt/status.h>

/* The elements of m as one row, where they are stored without gaps; else m itself. */
dopt_cmat dopt__flat(dopt_cmat m);

/* As dopt__check_finite(), which looks for the place only if there is one. */
dopt_status dopt__require_finite(const char *func, const char *name, dopt_cmat m);

#endif
