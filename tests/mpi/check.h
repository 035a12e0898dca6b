/* SPDX-License-Identifier: MIT */
/* A failed check ends the job, on all ranks. The test defines `rank`. */
#ifndef DEPTHOPT_TESTS_MPI_CHECK_H
#define DEPTHOPT_TESTS_MPI_CHECK_H

#include <stdio.h>

#include <depthopt/mpi.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "rank %d, %s:%d: %s; last error: %s\n", rank, __FILE__, __LINE__, #condition,        \
                          dopt_last_error());                                                                          \
            (void)MPI_Abort(MPI_COMM_WORLD, 1);                                                                        \
        }                                                                                                              \
    } while (0)
#define OK(call) CHECK((call) == DOPT_OK)

#endif
