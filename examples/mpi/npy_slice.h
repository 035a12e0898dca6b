/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_MPI_NPY_SLICE_H
#define EXAMPLES_MPI_NPY_SLICE_H

/* Rows of NumPy's array files, by MPI-IO. All functions are collective. */

#include <stdbool.h>
#include <stddef.h>

#include <mpi.h>

typedef struct npy_slice {
    MPI_File file;
    const char *path;
    ptrdiff_t rows, cols;
    bool wide;        /* float64, else float32 */
    MPI_Offset start; /* of the elements */
} npy_slice;

/* C order; versions 1 and 2, little-endian float64 or float32. False: `message` (512) says what is wrong. */
bool npy_slice_open(MPI_Comm comm, const char *path, npy_slice *out, char *message);
void npy_slice_close(npy_slice *array);

/* Rows first ... first + count - 1, as double; `count` may be 0. */
bool npy_slice_read(npy_slice *array, ptrdiff_t first, ptrdiff_t count, double *to, char *message);

#endif
