/* SPDX-License-Identifier: MIT */
/* The lowest rank that failed says what all ranks return; only then does a message go around. */

#include "mpi/agree.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { text_max = 256 };

typedef struct verdict {
    int status;
    char text[text_max];
} verdict;

dopt_status dopt__mpi_fail(dopt_status status, const char *func, const char *format, ...)
{
    char text[text_max];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return dopt_fail(status, func, text);
}

dopt_status dopt__mpi_status(const char *func, int code)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length;
    if (code == MPI_SUCCESS)
        return DOPT_OK;
    (void)MPI_Error_string(code, text, &length);
    return dopt__mpi_fail(DOPT_ERR_IO, func, "MPI failed: %.200s", text);
}

/* "function: text" to "function: rank r: text", once. */
static dopt_status blame(const verdict *v, int rank)
{
    char func[text_max], text[2 * text_max];
    const char *colon = strstr(v->text, ": ");
    if (!colon)
        return dopt__mpi_fail((dopt_status)v->status, "dopt_mpi_agree", "rank %d: %s", rank, v->text);
    (void)snprintf(func, sizeof func, "%.*s", (int)(colon - v->text), v->text);
    const char *rest = colon + 2;
    if (strncmp(rest, "rank ", 5) == 0)
        (void)snprintf(text, sizeof text, "%s", rest);
    else
        (void)snprintf(text, sizeof text, "rank %d: %s", rank, rest);
    return dopt_fail((dopt_status)v->status, func, text);
}

dopt_status dopt_mpi_agree(MPI_Comm comm, dopt_status status)
{
    int rank, lowest;
    verdict v = { .status = (int)status };
    DOPT__MPI_TRY(dopt__mpi_status(__func__, MPI_Comm_rank(comm, &rank)));
    const int mine = status == DOPT_OK ? INT_MAX : rank;
    DOPT__MPI_TRY(dopt__mpi_status(__func__, MPI_Allreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, comm)));
    if (lowest == INT_MAX)
        return DOPT_OK;
    (void)snprintf(v.text, sizeof v.text, "%s", dopt_last_error());
    DOPT__MPI_TRY(dopt__mpi_status(__func__, MPI_Bcast(&v, (int)sizeof v, MPI_BYTE, lowest, comm)));
    return blame(&v, lowest);
}

dopt_status dopt__mpi_duplicate(const char *func, MPI_Comm comm, MPI_Comm *out)
{
    DOPT__MPI_TRY(dopt__mpi_status(func, MPI_Comm_dup(comm, out)));
    return dopt__mpi_status(func, MPI_Comm_set_errhandler(*out, MPI_ERRORS_RETURN));
}

void *dopt__mpi_alloc(const dopt_allocator *allocator, size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    const size_t bytes = count * size > 0 ? count * size : 1;
    if (!allocator || !allocator->allocate)
        return calloc(1, bytes);
    void *ptr = allocator->allocate(bytes, allocator->user);
    return ptr ? memset(ptr, 0, bytes) : NULL;
}

void dopt__mpi_release(const dopt_allocator *allocator, void *ptr)
{
    if (!ptr)
        return;
    if (allocator && allocator->release)
        allocator->release(ptr, allocator->user);
    else
        free(ptr);
}
