/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_MPI_SLICE_H
#define EXAMPLES_MPI_SLICE_H

/* A table of which each rank has some rows, read so that no rank ever has all of it. All functions are collective. */

#include <stdbool.h>
#include <stdint.h>

#include <mpi.h>

#include "support/table.h"

/*
 * Read a plain file of one of the forms of table_read(), each rank a range of bytes up to the ends of lines, or X from
 * an NPY file and y, named by `target`, from another one, by MPI-IO. The rows of a rank are whole blocks of
 * `block_rows`, as dopt_mpi_split() deals them out; 0: of dopt_mpi_block_rows(). False on all ranks alike: `message`
 * says why.
 */
bool slice_read(MPI_Comm comm, const char *path, const char *target, const char *label, ptrdiff_t block_rows,
                table *out, char message[TABLE_MESSAGE]);

/* This rank's rows of a table that every rank has made; the others are given up. */
bool slice_keep(MPI_Comm comm, ptrdiff_t block_rows, table *t);

/* checksum_table() of the whole: the same on any number of ranks. */
uint64_t slice_checksum(MPI_Comm comm, const table *t);

/*
 * As standardise(), by one reduction: the sums over all rows of x - x_1 and (x - x_1)^2, with the first row x_1, by
 * dopt_mpi_sum(), so that the numbers do not depend on how many ranks there are.
 */
ptrdiff_t slice_standardise(MPI_Comm comm, ptrdiff_t block_rows, table *t);

#endif
