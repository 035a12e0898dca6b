/* SPDX-License-Identifier: MIT */
#include "mpi/npy_slice.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/npy.h"

enum { header_most = 4096, message_size = 512 };

static bool complain(char *message, const char *path, const char *what)
{
    (void)snprintf(message, message_size, "%s: %s", path, what);
    return false;
}

static size_t element(const npy_slice *array)
{
    return array->wide ? sizeof(double) : sizeof(float);
}

/* Every rank reads the header: a few hundred bytes. */
static bool read_header(npy_slice *array, char *message)
{
    static char header[header_most];
    MPI_Offset bytes = 0;
    MPI_Status status;
    int count = 0;
    npy about = { .map = header };
    (void)MPI_File_get_size(array->file, &bytes);
    if (MPI_File_read_at(array->file, 0, header, header_most, MPI_BYTE, &status) != MPI_SUCCESS)
        return complain(message, array->path, "cannot be read");
    (void)MPI_Get_count(&status, MPI_BYTE, &count);
    memset(header + count, 0, (size_t)(header_most - count));
    about.bytes = (size_t)bytes;
    if (!npy_parse(&about, array->path, message))
        return false;
    if (about.view.col_stride != 1 && about.view.cols != 1)
        return complain(message, array->path, "Fortran order cannot be read by rows");
    array->rows = about.view.rows;
    array->cols = about.view.cols;
    array->wide = about.view.dtype == DOPT_F64;
    array->start = (const char *)about.view.data - header;
    return true;
}

bool npy_slice_open(MPI_Comm comm, const char *path, npy_slice *out, char *message)
{
    const npy_slice none = { .file = MPI_FILE_NULL, .path = path };
    *out = none;
    if (MPI_File_open(comm, path, MPI_MODE_RDONLY, MPI_INFO_NULL, &out->file) != MPI_SUCCESS) {
        out->file = MPI_FILE_NULL;
        return complain(message, path, "cannot be opened");
    }
    return read_header(out, message);
}

void npy_slice_close(npy_slice *array)
{
    if (array->file != MPI_FILE_NULL)
        (void)MPI_File_close(&array->file);
}

bool npy_slice_read(npy_slice *array, ptrdiff_t first, ptrdiff_t count, double *to, char *message)
{
    const size_t row = (size_t)array->cols * element(array), bytes = (size_t)count * row;
    const MPI_Offset at = array->start + (MPI_Offset)((size_t)first * row);
    MPI_Datatype type;
    MPI_Status status;
    int done = 0;
    if (row > INT_MAX || count > INT_MAX)
        return complain(message, array->path, "rows of more than 2 GiB");
    void *raw = array->wide ? (void *)to : malloc(bytes + 1);
    if (!raw)
        return complain(message, array->path, "out of memory");
    (void)MPI_Type_contiguous((int)row, MPI_BYTE, &type);
    (void)MPI_Type_commit(&type);
    /* Not the collective call: one rank would read for all of a machine, and hold what they read together. */
    bool well = MPI_File_read_at(array->file, at, raw, (int)count, type, &status) == MPI_SUCCESS;
    if (well && count > 0) {
        (void)MPI_Get_count(&status, type, &done);
        well = done == count;
    }
    (void)MPI_Type_free(&type);
    if (!array->wide) {
        for (ptrdiff_t i = 0; i < count * array->cols && well; i++)
            to[i] = (double)((const float *)raw)[i];
        free(raw);
    }
    return well || complain(message, array->path, "cannot be read to the end");
}
