/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MPI_SPREAD_H
#define DEPTHOPT_MPI_SPREAD_H

#include <depthopt/mpi.h>

/* Of each rank's number of rows, where those of rank r start: ranks + 1 numbers. Collective. */
dopt_status dopt__spread_rows(const char *func, MPI_Comm comm, ptrdiff_t rows, ptrdiff_t *starts);

/* Rows to blocks; DOPT_ERR_INVALID where a rank's rows are not whole blocks. The same on all ranks. */
dopt_status dopt__spread_blocks(const char *func, int ranks, ptrdiff_t block_rows, ptrdiff_t *starts);

/* At most 16 numbers that must be the same on all ranks, or DOPT_ERR_INVALID names the first that is not. Collective.
 */
dopt_status dopt__spread_same(const char *func, MPI_Comm comm, int count, const double *values,
                              const char *const *names);

#endif
