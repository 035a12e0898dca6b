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

/* A matrix on the grid. This rank's elements are float64, at `at`, or, where that is NULL, float32, at `at32`. */
typedef struct dopt__cyclic {
    double *at;
    float *at32;
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

/* The same for float32. */
dopt__cyclic dopt__cyclic_narrow(const dopt__cyclic *like, float *at);

/* A part of a matrix, from an element on, as it is or ('T') transposed. */
typedef struct dopt__part {
    const dopt__cyclic *of;
    ptrdiff_t row, col;
    char transposed;
} dopt__part;

static inline dopt__part dopt__part_of(const dopt__cyclic *of, ptrdiff_t row, ptrdiff_t col)
{
    const dopt__part part = { of, row, col, 'N' };
    return part;
}

static inline dopt__part dopt__part_transposed(const dopt__cyclic *of, ptrdiff_t row, ptrdiff_t col)
{
    const dopt__part part = { of, row, col, 'T' };
    return part;
}

/* C <- alpha A B + beta C for an m x n part C; l: the inner extent. All three of one dtype. */
void dopt__cyclic_gemm(ptrdiff_t m, ptrdiff_t n, ptrdiff_t l, double alpha, dopt__part a, dopt__part b, double beta,
                       dopt__part c);

/* C <- alpha A + beta C for an m x n part C; A is of another matrix. */
void dopt__cyclic_add(ptrdiff_t m, ptrdiff_t n, double alpha, dopt__part a, double beta, dopt__part c);

/* The lower triangle of C <- A A^T for an n x l part A. */
void dopt__cyclic_syrk(ptrdiff_t n, ptrdiff_t l, dopt__part a, dopt__part c);

/* Workspace of the eigensolver for order n. */
void dopt__cyclic_eigh_room(const dopt__cyclic *a, size_t *doubles, size_t *ints);

/*
 * The upper left n x n part of a symmetric matrix, given by its lower triangle, which is lost: values ascend, columns
 * of z are the vectors. False: no convergence.
 */
bool dopt__cyclic_eigh(ptrdiff_t n, const dopt__cyclic *a, double *values, const dopt__cyclic *z, double *work,
                       size_t doubles, int *iwork, size_t ints);

#endif
