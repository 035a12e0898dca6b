/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* madvise */

#include "npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(char *message, const char *path, const char *what)
{
    (void)snprintf(message, 256, "%.150s: %s", path, what);
    return false;
}

/* Where the header's text starts and ends; 0: not an NPY file. */
static size_t find_text(const unsigned char *file, size_t bytes, size_t *end)
{
    static const unsigned char magic[] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };
    if (bytes < 12 || memcmp(file, magic, sizeof magic) != 0 || file[6] < 1 || file[6] > 2)
        return 0;
    const size_t start = file[6] == 1 ? 10 : 12;
    size_t length = file[8] | (size_t)file[9] << 8;
    if (file[6] == 2)
        length |= (size_t)file[10] << 16 | (size_t)file[11] << 24;
    *end = start + length;
    return *end <= bytes ? start : 0;
}

/* The value of a key of the header, a Python dictionary; NULL: it has none. */
static const char *value_of(const char *text, const char *key)
{
    const char *found = strstr(text, key);
    found = found ? strchr(found + strlen(key), ':') : NULL;
    return found ? found + 1 + strspn(found + 1, " ") : NULL;
}

static bool read_shape(const char *text, long long *rows, long long *cols)
{
    const char *shape = value_of(text, "'shape'");
    char *end;
    if (!shape || *shape != '(')
        return false;
    *rows = strtoll(shape + 1, &end, 10);
    *cols = 1;
    if (end == shape + 1 || *end != ',')
        return false;
    end += 1 + strspn(end + 1, " ");
    if (*end != ')') {
        const char *second = end;
        *cols = strtoll(second, &end, 10);
        if (end == second)
            return false;
        end += *end == ',';
    }
    return *end == ')' && *rows >= 1 && *cols >= 1 && *rows <= INT32_MAX && *cols <= INT32_MAX;
}

bool npy_parse(npy *array, const char *path, char message[256])
{
    size_t end = 0;
    const unsigned char *file = array->map;
    const size_t start = find_text(file, array->bytes, &end);
    char text[1024] = "";
    long long rows, cols;
    if (start == 0 || end - start >= sizeof text)
        return complain(message, path, "not an NPY file of version 1 or 2");
    memcpy(text, file + start, end - start);
    const char *type = value_of(text, "'descr'"), *order = value_of(text, "'fortran_order'");
    const bool wide = type && strncmp(type, "'<f8'", 5) == 0;
    if (!wide && !(type && strncmp(type, "'<f4'", 5) == 0))
        return complain(message, path, "the elements must be float64 or float32, little-endian");
    if (!order || !read_shape(text, &rows, &cols))
        return complain(message, path, "the shape must be one or two numbers from 1 up");
    const size_t size = wide ? sizeof(double) : sizeof(float);
    if ((array->bytes - end) / size / (size_t)rows < (size_t)cols || end % size != 0)
        return complain(message, path, "the file is shorter than its shape says");
    const bool by_columns = strncmp(order, "True", 4) == 0;
    const dopt_cmat view = { file + end,
                             (ptrdiff_t)rows,
                             (ptrdiff_t)cols,
                             by_columns ? 1 : (ptrdiff_t)cols,
                             by_columns ? (ptrdiff_t)rows : 1,
                             wide ? DOPT_F64 : DOPT_F32 };
    array->view = view;
    return true;
}

bool npy_open(const char *path, npy *out, char message[256])
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    const npy none = { .map = NULL };
    *out = none;
    if (file < 0 || fstat(file, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size == 0) {
        (void)complain(message, path,
                       file < 0                  ? strerror(errno)
                       : !S_ISREG(about.st_mode) ? "not a regular file"
                                                 : "the file is empty");
        if (file >= 0)
            (void)close(file);
        return false;
    }
    out->bytes = (size_t)about.st_size;
    out->map = mmap(NULL, out->bytes, PROT_READ, MAP_SHARED, file, 0);
    (void)close(file);
    if (out->map == MAP_FAILED) {
        out->map = NULL;
        return complain(message, path, strerror(errno));
    }
    (void)madvise(out->map, out->bytes, MADV_SEQUENTIAL);
    if (npy_parse(out, path, message))
        return true;
    npy_close(out);
    return false;
}

void npy_close(npy *array)
{
    if (array->map)
        (void)munmap(array->map, array->bytes);
    array->map = NULL;
}

static size_t row_bytes(const npy *array)
{
    return (size_t)array->view.row_stride * (array->view.dtype == DOPT_F64 ? sizeof(double) : sizeof(float));
}

void npy_release(ptrdiff_t first, ptrdiff_t count, void *user)
{
    const npy *array = user;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), row = row_bytes(array);
    char *file = array->map;
    const size_t offset = (size_t)((const char *)array->view.data - file);
    const size_t start = (offset + (size_t)first * row) / page * page, end = offset + (size_t)(first + count) * row;
    if (array->view.col_stride == 1)
        (void)madvise(file + start, end / page * page - start, MADV_DONTNEED);
}

ptrdiff_t npy_step(const npy *array, double resident, int threads)
{
    const double rows = resident / ((double)threads * (double)row_bytes(array));
    return rows < 64.0 ? 64 : rows > (double)array->view.rows ? array->view.rows : (ptrdiff_t)rows;
}

bool npy_write_header(FILE *to, ptrdiff_t rows, ptrdiff_t cols)
{
    char text[119] = "";
    const int length =
        snprintf(text, sizeof text, "{'descr': '<f8', 'fortran_order': False, 'shape': (%td, %td), }", rows, cols);
    /* Blanks and a newline up to 128 bytes in all, so that the elements are aligned. */
    static const unsigned char start[] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0 };
    memset(text + length, ' ', sizeof text - 2 - (size_t)length);
    text[117] = '\n';
    return fwrite(start, sizeof start, 1, to) == 1 && fwrite(text, 118, 1, to) == 1;
}
