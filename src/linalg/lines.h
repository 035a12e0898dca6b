/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_LINES_H
#define DEPTHOPT_LINALG_LINES_H

/*
 * Elementwise work on any layout and dtype, written once for arrays of double.
 *
 * A matrix is walked along lines (rows or columns, whichever it stores contiguously), each line in pieces
 * of at most DOPT__PIECE elements. A piece of a contiguous float64 line is used in place; any other piece
 * goes through a small buffer on the stack.
 *
 *     const dopt__walk walk = dopt__walk_along(dopt_const(p));
 *     for (ptrdiff_t line = 0; line < walk.lines; line++)
 *         for (ptrdiff_t at = 0; at < walk.length; at += DOPT__PIECE) {
 *             double buffer[DOPT__PIECE];
 *             const dopt__piece piece = dopt__piece_of(walk, line, at);
 *             const double *x = dopt__load(m, piece, buffer);
 */

#include <stdbool.h>

#include <depthopt/mat.h>

/* Elements of a piece: a few of them, in double, stay in the first-level cache. */
#define DOPT__PIECE 256

typedef struct dopt__walk {
    bool by_rows;            /* lines are rows */
    ptrdiff_t lines, length; /* how many, and how long each */
} dopt__walk;

typedef struct dopt__piece {
    bool by_rows;
    ptrdiff_t line, at, count; /* elements at ... at + count - 1 of the line */
} dopt__piece;

/* The walk that is contiguous in `lead`; other matrices of the same shape can be walked along with it. */
dopt__walk dopt__walk_along(dopt_cmat lead);

/* The piece of a line that starts at `at`. */
dopt__piece dopt__piece_of(dopt__walk walk, ptrdiff_t line, ptrdiff_t at);

/* The elements of a piece: in place, or copied to `buffer`. */
const double *dopt__load(dopt_cmat m, dopt__piece piece, double *buffer);

/* Where to write the elements of a piece, without reading them: in place, or `buffer`. */
double *dopt__target(dopt_mat m, dopt__piece piece, double *buffer);

/* Finish a write: copies `x` to the matrix unless it is in place already. */
void dopt__store(dopt_mat m, dopt__piece piece, const double *x);

#endif
