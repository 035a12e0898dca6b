/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_MPI_AGREE_H
#define DEPTHOPT_MPI_AGREE_H

/* Failing on all ranks alike, and memory; this library knows the public headers of libdepthopt alone. */

#include <depthopt/mpi.h>

/* Record "func: text" and return `status`. */
dopt_status dopt__mpi_fail(dopt_status status, const char *func, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* DOPT_OK, or DOPT_ERR_IO with MPI's own words for what a call returned. */
dopt_status dopt__mpi_status(const char *func, int code);

/* Hand a failure on to the caller. */
#define DOPT__MPI_TRY(call)                                                                                            \
    do {                                                                                                               \
        const dopt_status status_ = (call);                                                                            \
        if (status_ != DOPT_OK)                                                                                        \
            return status_;                                                                                            \
    } while (0)

/* A communicator of our own, that returns errors. */
dopt_status dopt__mpi_duplicate(const char *func, MPI_Comm comm, MPI_Comm *out);

/* Zeroed memory; NULL if the product overflows or there is none. A count of 0 gives a valid pointer. */
void *dopt__mpi_alloc(const dopt_allocator *allocator, size_t count, size_t size);
void dopt__mpi_release(const dopt_allocator *allocator, void *ptr); /* may be NULL */

#endif
