/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_ORTHOGONAL_H
#define DEPTHOPT_LINALG_ORTHOGONAL_H

#include <stddef.h>

#include <depthopt/alloc.h>
#include <depthopt/mat.h>
#include <depthopt/status.h>

/*
 * Replace a float64 matrix of i.i.d. normal numbers by the matrix of orthonormal columns (rows, where it is wider
 * than high) that its QR decomposition gives, signs chosen so that the result is uniformly distributed.
 */
dopt_status dopt__orthonormalise(dopt_mat m, const dopt_allocator *allocator);

#endif
