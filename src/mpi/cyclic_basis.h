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
    int *group;                  /* k, clusters of a level */
    dopt__cyclic u;              /* k x k: column i belongs to value i */
    dopt__cyclic vt;             /* k x d: row i, likewise, for values that are not zero */
    dopt__cyclic wide, y;        /* k x d, scratch */
    dopt__cyclic square;         /* k x k, scratch */
    dopt__cyclic vectors;        /* k x k, scratch */
    double *work;
    size_t doubles, ints;
    int *iwork;
} dopt__basis;

/* Row and column, in the whole, of an element of this rank. */
ptrdiff_t dopt__cyclic_row(const dopt__grid *grid, ptrdiff_t local_row);
ptrdiff_t dopt__cyclic_col(const dopt__grid *grid, ptrdiff_t local_col);

/* How many of the first n rows (columns) are this rank's: what is its own of a range of rows follows without gaps. */
ptrdiff_t dopt__cyclic_rows_before(const dopt__grid *grid, ptrdiff_t n);
ptrdiff_t dopt__cyclic_cols_before(const dopt__grid *grid, ptrdiff_t n);

/*
 * Decompose what is in vt: finite, not zero, and neither huge nor tiny. DOPT_ERR_NUMERICAL: no convergence.
 */
dopt_status dopt__basis_find(dopt__basis *basis, const char *func);

/* Numbers of all ranks, added up on each. */
dopt_status dopt__basis_add_up(const dopt__basis *basis, const char *func, double *sums, ptrdiff_t count);

/*
 * A = E diag(values) E^T for the first n rows and columns of a symmetric A, which is lost. All ranks see the same
 * values, and whether all of them have converged.
 */
dopt_status dopt__basis_decompose(dopt__basis *basis, const char *func, ptrdiff_t n, const dopt__cyclic *a,
                                  double *values, const dopt__cyclic *vectors);

/*
 * A corrected level, as dopt__refine() of src/linalg/refine.c. The first `order` rows of vt are Z = E^T R, with E in
 * `vectors`; rows from *cut on are what a plain level takes, and stay. The rows before are rotated, in Z and E, so that
 * rows new *cut ... old *cut - 1 become orthogonal to all others but those from the old *cut on, with a new *cut that
 * is lower; or else it is left as it is.
 */
dopt_status dopt__basis_refine(dopt__basis *basis, const char *func, ptrdiff_t order, ptrdiff_t *cut);

#endif
