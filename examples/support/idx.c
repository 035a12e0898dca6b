/* SPDX-License-Identifier: MIT */
#include "idx.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { header_max = 4 + 4 * IDX_DIMS_MAX };

static bool complain(char *message, const char *path, const char *text)
{
    (void)snprintf(message, IDX_MESSAGE, "%.300s: %s", path, text);
    return false;
}

/* True: all bytes read are sound. zlib tells truncated and damaged gzip files by an error. */
static bool sound(gzFile file, const char *path, char *message)
{
    int code = Z_OK;
    const char *text = gzerror(file, &code);
    return code == Z_OK || complain(message, path, code == Z_ERRNO ? strerror(errno) : text);
}

static bool read_header(gzFile file, const char *path, int dims, idx *out, char *message)
{
    unsigned char head[header_max];
    char text[160];
    const int size = 4 + 4 * dims, got = gzread(file, head, (unsigned)size);
    if (got < size)
        return sound(file, path, message) && complain(message, path, "too short for the header of an IDX file");
    if (head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] != dims) {
        (void)snprintf(text, sizeof text, "starts with %02x %02x %02x %02x, must start with 00 00 08 %02x", head[0],
                       head[1], head[2], head[3], (unsigned)dims);
        return complain(message, path, text);
    }
    out->dims = dims;
    out->count = 1;
    for (int i = 0; i < dims; i++) {
        const unsigned char *at = head + 4 + (size_t)4 * (size_t)i;
        out->extent[i] = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (out->extent[i] == 0 || out->count > (size_t)PTRDIFF_MAX / out->extent[i]) {
            (void)snprintf(text, sizeof text, "extent %d is %zu, must be from 1 up and the product of all countable",
                           i + 1, out->extent[i]);
            return complain(message, path, text);
        }
        out->count *= out->extent[i];
    }
    return true;
}

/* Read on to the end; more than `limit` bytes are not counted to the end. */
static bool measure(gzFile file, const char *path, size_t limit, size_t *size, char *message)
{
    unsigned char buffer[65536];
    int got = 1;
    *size = 0;
    while (*size <= limit && (got = gzread(file, buffer, sizeof buffer)) > 0)
        *size += (size_t)got;
    return got >= 0 ? sound(file, path, message) : sound(file, path, message) && complain(message, path, "unreadable");
}

static bool read_elements(gzFile file, const char *path, idx *out, char *message)
{
    for (size_t at = 0; at < out->count;) {
        const size_t left = out->count - at;
        const int got = gzread(file, out->data + at, left < INT_MAX / 2 ? (unsigned)left : INT_MAX / 2);
        if (got <= 0)
            return sound(file, path, message) && complain(message, path, "changed while it was read");
        at += (size_t)got;
    }
    return true;
}

static bool read_file(gzFile file, const char *path, int dims, idx *out, char *message)
{
    size_t size = 0;
    char text[160];
    if (!read_header(file, path, dims, out, message) || !measure(file, path, out->count, &size, message))
        return false;
    if (size != out->count) {
        (void)snprintf(text, sizeof text, "holds %s%zu elements, its header says %zu",
                       size > out->count ? "more than " : "", size > out->count ? out->count : size, out->count);
        return complain(message, path, text);
    }
    out->data = malloc(out->count);
    if (!out->data)
        return complain(message, path, "out of memory");
    if (gzseek(file, 4 + 4 * dims, SEEK_SET) < 0)
        return complain(message, path, "cannot be read twice");
    return read_elements(file, path, out, message);
}

bool idx_read(const char *path, int dims, idx *out, char message[IDX_MESSAGE])
{
    memset(out, 0, sizeof *out);
    gzFile file = gzopen(path, "rb");
    if (!file)
        return complain(message, path, errno ? strerror(errno) : "out of memory");
    const bool good = read_file(file, path, dims, out, message);
    (void)gzclose(file);
    if (!good)
        idx_free(out);
    return good;
}

void idx_free(idx *array)
{
    free(array->data);
    memset(array, 0, sizeof *array);
}
