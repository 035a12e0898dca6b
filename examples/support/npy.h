/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_NPY_H
#define EXAMPLES_NPY_H

/* NumPy's array files, mapped into memory: a matrix as large as the disk, of which little is in memory at a time. */

#include <stdbool.h>
#include <stdio.h>

#include <depthopt/depthopt.h>

typedef struct npy {
    dopt_cmat view; /* of one dimension: a column */
    void *map;      /* the file */
    size_t bytes;
} npy;

/* Versions 1 and 2, little-endian float64 or float32, C or Fortran order. False: `message` says what is wrong. */
bool npy_open(const char *path, npy *out, char message[256]);
void npy_close(npy *array);

/* The header alone: its text is at `map` of a file of `bytes` bytes, and view.data becomes where the elements follow.
 */
bool npy_parse(npy *array, const char *path, char message[256]);

/* A dopt_rows_fn: let go of these rows; `user` is the npy. They come back from the file when they are read again. */
void npy_release(ptrdiff_t first, ptrdiff_t count, void *user);

/* Rows between two calls of npy_release that keep `resident` bytes in memory, with so many threads. */
ptrdiff_t npy_step(const npy *array, double resident, int threads);

/* Write the header of an m x n array of float64 in C order, to be followed by its elements. */
bool npy_write_header(FILE *to, ptrdiff_t rows, ptrdiff_t cols);

#endif
