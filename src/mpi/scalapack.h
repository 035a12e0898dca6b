/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MPI_SCALAPACK_H
#define DEPTHOPT_MPI_SCALAPACK_H

/*
 * The only door to ScaLAPACK: matrices in square blocks, dealt out to a grid of ranks row by row and column by column
 * of blocks. Each rank holds its elements column-major without gaps.
 */

#include <stdbool.h>
#include <stddef.h>

#include <mpi.h>

/* A grid over all ranks of a communicator. */
typedef struct dopt__grid {
    int handle, context; /* BLACS */
    int rows, cols;      /* of ranks */
    int row, col;        /* this rank's place */
    int block;
} dopt__grid;

/* A matrix on the grid; `at` of this rank's elements. */
typedef struct dopt__cyclic {
    double *at;
    ptrdiff_t rows, cols;             /* of the whole */
    ptrdiff_t local_rows, local_cols; /* here */
    int desc[9];
} dopt__cyclic;

/* Whether the library was built with ScaLAPACK; without it nothing else here may be called. */
bool dopt__has_scalapack(void);

/* Rank r gets place (r / cols, r % cols), or, `by_columns`, (r % rows, r / rows). Collective. */
void dopt__grid_open(MPI_Comm comm, int rows, int cols, bool by_columns, int block, dopt__grid *out);
void dopt__grid_close(dopt__grid *grid);

/* How many of n rows (columns), dealt out to `parts`, `part` gets. */
ptrdiff_t dopt__grid_share(ptrdiff_t n, int block, int part, int parts);

/* Shape and description of a matrix whose elements are to be put at `at`. */
dopt__cyclic dopt__cyclic_over(const dopt__grid *grid, ptrdiff_t rows, ptrdiff_t cols, double *at);

/* A part of a matrix, from a row on. */
typedef struct dopt__part {
    const dopt__cyclic *of;
    ptrdiff_t row;
    char transposed; /* 'N' or 'T' */
} dopt__part;

/* C <- alpha A B + beta C for the m x n part of C at row `row`; l: the inner extent. Parts start at column 0. */
void dopt__cyclic_gemm(ptrdiff_t m, ptrdiff_t n, ptrdiff_t l, double alpha, dopt__part a, dopt__part b, double beta,
                       dopt__part c);

/* The upper triangle of C <- A A^T for the first n rows of A. */
void dopt__cyclic_syrk(ptrdiff_t n, const dopt__cyclic *a, const dopt__cyclic *c);

/* Workspace of the eigensolver for order n. */
void dopt__cyclic_eigh_room(const dopt__cyclic *a, size_t *doubles, size_t *ints);

/*
 * The upper left n x n part of a symmetric matrix, given by its upper triangle, which is lost: values ascend, columns
 * of z are the vectors. False: no convergence.
 */
bool dopt__cyclic_eigh(ptrdiff_t n, const dopt__cyclic *a, double *values, const dopt__cyclic *z, double *work,
                       size_t doubles, int *iwork, size_t ints);

#endif
