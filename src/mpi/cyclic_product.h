/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MPI_CYCLIC_PRODUCT_H
#define DEPTHOPT_MPI_CYCLIC_PRODUCT_H

/* P_w(grad) from a basis of w over ranks. */

#include "mpi/cyclic_basis.h"

/* The matrices of the products, all of one dtype, in memory of the basis. */
typedef struct dopt__factors {
    dopt__cyclic u, vt, grad, y, m; /* of grad the memory takes the result too */
} dopt__factors;

/*
 * For float64, the basis itself, grad in `wide`. For float32, copies of U and V^T: nothing of the basis is to be
 * found before they are done with.
 */
dopt__factors dopt__factors_of(const dopt__basis *basis, dopt_dtype dtype);

/* grad <- factor P(grad) / s_1^{2-2/N}, with values divided by s_1. `null`: k doubles of scratch. */
void dopt__cyclic_product(const dopt__basis *basis, double depth, double factor, double *null, dopt__factors *f);

#endif
