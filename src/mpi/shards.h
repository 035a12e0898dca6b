/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MPI_SHARDS_H
#define DEPTHOPT_MPI_SHARDS_H

/* The state of an objective over ranks: this rank's rows, and what evaluating them together takes. */

#include <stdbool.h>

#include <depthopt/mpi.h>

#include "mpi/tree.h"

/* What travels behind the k d sums of the gradient. All but the first are whole numbers, exact in any order. */
enum {
    DOPT__VALUE,    /* sum of the losses */
    DOPT__COUNT,    /* rows */
    DOPT__FAILURES, /* ranks that failed */
    DOPT__WATCHES,  /* ranks that may stop by themselves */
    DOPT__SUM,      /* of the checksums of w and batch */
    DOPT__SQUARES,  /* of their squares: ranks times this is the square of the sum if all are the same */
    DOPT__EXTRA
};

typedef struct dopt__shards {
    dopt_allocator allocator;
    MPI_Comm comm;
    int rank, ranks;
    dopt_objective *local; /* NULL: no rows */
    bool owns;             /* local */
    ptrdiff_t k, d;
    dopt_dtype dtype;
    ptrdiff_t first, rows, all; /* rows of this rank, and of all; all is 0 for custom objectives */
    bool watching, watched;     /* this rank may stop by itself; some rank may */
    int pieces;                 /* that outputs are cut into */
    double *sums;               /* k d + DOPT__EXTRA */
    dopt_mat part;              /* k x d, packed: a gradient of `local` */
    ptrdiff_t *listed;          /* `rows` numbers, for a batch */
    dopt__tree *tree;           /* NULL: not reproducible */
    ptrdiff_t block_rows;
    ptrdiff_t *blocks; /* ranks + 1: where each rank's start; NULL: not reproducible */
    ptrdiff_t *sorted; /* `rows` numbers: a batch, block by block */
    ptrdiff_t *starts; /* where a block starts in them, one more than this rank has */
} dopt__shards;

/* The functions of a dopt_objective_kind, on a dopt__shards. */
dopt_status dopt__shards_eval(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad, void *state);
dopt_status dopt__shards_refuse(dopt_status status, void *state);
dopt_status dopt__shards_agree(int *choice, void *state);
void dopt__shards_watch(int on, void *state);

#endif
