/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MPI_TREE_H
#define DEPTHOPT_MPI_TREE_H

/*
 * Sums of vectors over blocks that are spread over ranks, in an order that the number of blocks alone decides: block i
 * takes in block i + step, for steps 1, 2, 4, ...
 */

#include <depthopt/mpi.h>

typedef struct dopt__tree dopt__tree;

/* The vector of a block, which is 0 before the call. */
typedef dopt_status (*dopt__leaf_fn)(ptrdiff_t block, double *sums, void *user);

/*
 * For vectors of n numbers. `starts` are ranks + 1 numbers of blocks: rank r has blocks starts[r] ... starts[r + 1] -
 * 1; kept. NULL: no memory. Not collective.
 */
dopt__tree *dopt__tree_create(MPI_Comm comm, const ptrdiff_t *starts, ptrdiff_t n, const dopt_allocator *allocator);
void dopt__tree_destroy(dopt__tree *tree); /* may be NULL */

/* Sum what lies within this rank. Goes on after a failure, and returns the first one. */
dopt_status dopt__tree_local(dopt__tree *tree, dopt__leaf_fn leaf, void *user);

/* Join the ranks' sums, after dopt__tree_local(); collective. *sums: n numbers, the same on all ranks, in the tree. */
dopt_status dopt__tree_join(dopt__tree *tree, const char *func, double **sums);

#endif
