/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_THIN_H
#define DEPTHOPT_LINALG_THIN_H

/* Products for chains that end in one or a few outputs, where a BLAS spends most of its time on packing. */

#include <depthopt/mat.h>

/* c = a b; one dtype; c overlaps neither. Thin ones line by line, all others by dopt__gemm(). */
void dopt__multiply(dopt_cmat a, dopt_cmat b, dopt_mat c);

#endif
