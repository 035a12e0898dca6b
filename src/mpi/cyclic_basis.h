/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MPI_CYCLIC_BASIS_H
#define DEPTHOPT_MPI_CYCLIC_BASIS_H

/* The basis (U, s, V) of a wide matrix on a grid of ranks, and the memory that it shares with the products after it. */

#include <depthopt/mpi.h>

#include "mpi/scalapack.h"

typedef struct dopt__basis {
    MPI_Comm comm;
    dopt__grid grid;
    ptrdiff_t k, d, first, rank; /* k <= d; values first ... first + rank - 1 are not zero */
    double *values;              /* k, on every rank; ascending within a level */
    double *norms;               /* k, scratch */
    dopt__cyclic u;              /* k x k: column i belongs to value i */
    dopt__cyclic vt;             /* k x d: row i, likewise, for values that are not zero */
    dopt__cyclic wide, y;        /* k x d, scratch; y is not used here */
    dopt__cyclic square;         /* k x k, scratch */
    dopt__cyclic vectors;        /* k x k, scratch */
    double *work;
    size_t doubles, ints;
    int *iwork;
} dopt__basis;

/* Row and column, in the whole, of an element of this rank. */
ptrdiff_t dopt__cyclic_row(const dopt__grid *grid, ptrdiff_t local_row);
ptrdiff_t dopt__cyclic_col(const dopt__grid *grid, ptrdiff_t local_col);

/*
 * Decompose what is in vt: finite, not zero, and neither huge nor tiny. DOPT_ERR_NUMERICAL: no convergence.
 */
dopt_status dopt__basis_find(dopt__basis *basis, const char *func);

#endif
