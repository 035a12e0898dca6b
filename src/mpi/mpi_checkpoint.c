/* SPDX-License-Identifier: MIT */
/* One rank writes and reads; what it has read goes to all in one message, and each trainer loads it from memory. */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/checkpoint.h>

#include "mpi/agree.h"

/* A file in memory. */
typedef struct image {
    char *bytes;
    size_t size, room, at;
} image;

static int append(const void *data, size_t size, void *user)
{
    image *m = user;
    if (size > m->room - m->size) {
        const size_t room = 2 * m->room + size;
        char *larger = realloc(m->bytes, room);
        if (!larger)
            return 1;
        m->bytes = larger;
        m->room = room;
    }
    memcpy(m->bytes + m->size, data, size);
    m->size += size;
    return 0;
}

static ptrdiff_t take(void *data, size_t size, void *user)
{
    image *m = user;
    const size_t left = m->size - m->at, some = size < left ? size : left;
    memcpy(data, m->bytes + m->at, some);
    m->at += some;
    return (ptrdiff_t)some;
}

static int rank_in(MPI_Comm comm)
{
    int rank;
    (void)MPI_Comm_rank(comm, &rank);
    return rank;
}

dopt_status dopt_mpi_trainer_save(MPI_Comm comm, const dopt_trainer *trainer, const char *path)
{
    dopt_status status = DOPT_OK;
    if (rank_in(comm) == 0)
        status = dopt_trainer_save(trainer, path);
    else if (!trainer)
        status = dopt_fail(DOPT_ERR_INVALID, __func__, "trainer is NULL, must be a handle");
    return dopt_mpi_agree(comm, status);
}

/* Rank 0's trainer, as its file would be, to all ranks. */
static dopt_status send_image(const char *func, MPI_Comm comm, image *m)
{
    long long size = (long long)m->size;
    DOPT__MPI_TRY(dopt__mpi_status(func, MPI_Bcast(&size, 1, MPI_LONG_LONG, 0, comm)));
    if (rank_in(comm) != 0) {
        m->bytes = malloc((size_t)size);
        m->size = (size_t)size;
    }
    dopt_status status = m->bytes ? DOPT_OK : dopt_fail(DOPT_ERR_NOMEM, func, "no memory for the checkpoint");
    DOPT__MPI_TRY(dopt_mpi_agree(comm, status));
    for (size_t at = 0; at < m->size && status == DOPT_OK; at += INT_MAX) {
        const size_t some = m->size - at < INT_MAX ? m->size - at : INT_MAX;
        status = dopt__mpi_status(func, MPI_Bcast(m->bytes + at, (int)some, MPI_BYTE, 0, comm));
    }
    return status;
}

dopt_status dopt_mpi_trainer_load(MPI_Comm comm, dopt_trainer *trainer, const char *path)
{
    const int rank = rank_in(comm);
    image m = { NULL, 0, 0, 0 };
    dopt_status status = trainer ? DOPT_OK : dopt_fail(DOPT_ERR_INVALID, __func__, "trainer is NULL, must be a handle");
    DOPT__MPI_TRY(dopt_mpi_agree(comm, status));
    if (rank == 0)
        status = dopt_trainer_load(trainer, path);
    if (rank == 0 && status == DOPT_OK)
        status = dopt_trainer_save_to(trainer, append, &m);
    status = dopt_mpi_agree(comm, status);
    if (status == DOPT_OK)
        status = send_image(__func__, comm, &m);
    if (status == DOPT_OK && rank != 0)
        status = dopt_trainer_load_from(trainer, take, &m);
    free(m.bytes);
    return dopt_mpi_agree(comm, status);
}
