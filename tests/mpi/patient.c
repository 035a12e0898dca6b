/* SPDX-License-Identifier: MIT */
/*
 * Waiting without a processor: where ranks outnumber processors, one that polls keeps the others from working. These
 * stand in front of MPI's own calls, by its profiling interface, in the tests alone.
 */
#define _POSIX_C_SOURCE 200809L

#include <stddef.h>
#include <time.h>

#include <mpi.h>

enum { polls = 20 };

static int wait_for(MPI_Request *request, MPI_Status *status)
{
    static const struct timespec moment = { 0, 20000 };
    MPI_Status unused;
    int done = 0, code = MPI_SUCCESS;
    for (int i = 0; !done && code == MPI_SUCCESS; i++) {
        code = PMPI_Test(request, &done, status ? status : &unused);
        if (!done && i >= polls)
            (void)nanosleep(&moment, NULL);
    }
    return code;
}

static int finish(int code, MPI_Request *request)
{
    return code == MPI_SUCCESS ? wait_for(request, NULL) : code;
}

int MPI_Allreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    MPI_Request request;
    const int code = PMPI_Iallreduce(from, to, count, type, op, comm, &request);
    return finish(code, &request);
}

int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm)
{
    MPI_Request request;
    const int code = PMPI_Ibcast(data, count, type, root, comm, &request);
    return finish(code, &request);
}

int MPI_Allgather(const void *from, int count, MPI_Datatype type, void *to, int each, MPI_Datatype to_type,
                  MPI_Comm comm)
{
    MPI_Request request;
    const int code = PMPI_Iallgather(from, count, type, to, each, to_type, comm, &request);
    return finish(code, &request);
}

int MPI_Barrier(MPI_Comm comm)
{
    MPI_Request request;
    const int code = PMPI_Ibarrier(comm, &request);
    return finish(code, &request);
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *out)
{
    MPI_Request request;
    const int code = PMPI_Comm_idup(comm, out, &request);
    return finish(code, &request);
}

int MPI_Send(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    MPI_Request request;
    const int code = PMPI_Isend(data, count, type, to, tag, comm, &request);
    return finish(code, &request);
}

int MPI_Recv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Status *status)
{
    MPI_Request request;
    const int code = PMPI_Irecv(data, count, type, from, tag, comm, &request);
    if (code != MPI_SUCCESS)
        return code;
    return wait_for(&request, status == MPI_STATUS_IGNORE ? NULL : status);
}

int MPI_Wait(MPI_Request *request, MPI_Status *status)
{
    return wait_for(request, status == MPI_STATUS_IGNORE ? NULL : status);
}

int MPI_Waitall(int count, MPI_Request *requests, MPI_Status *statuses)
{
    (void)statuses; /* nobody here looks at them */
    int code = MPI_SUCCESS;
    for (int i = 0; i < count && code == MPI_SUCCESS; i++)
        code = wait_for(&requests[i], NULL);
    return code;
}

int MPI_Reduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm)
{
    MPI_Request request;
    const int code = PMPI_Ireduce(from, to, count, type, op, root, comm, &request);
    return finish(code, &request);
}

int MPI_Rsend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    MPI_Request request;
    const int code = PMPI_Irsend(data, count, type, to, tag, comm, &request);
    return finish(code, &request);
}

int MPI_Sendrecv(const void *from, int from_count, MPI_Datatype from_type, int to, int to_tag, void *data, int count,
                 MPI_Datatype type, int source, int tag, MPI_Comm comm, MPI_Status *status)
{
    MPI_Request send, receive;
    int code = PMPI_Irecv(data, count, type, source, tag, comm, &receive);
    if (code == MPI_SUCCESS)
        code = PMPI_Isend(from, from_count, from_type, to, to_tag, comm, &send);
    if (code == MPI_SUCCESS)
        code = wait_for(&receive, status == MPI_STATUS_IGNORE ? NULL : status);
    return finish(code, &send);
}
