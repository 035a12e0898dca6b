/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_IDX_H
#define EXAMPLES_IDX_H

/* Arrays of bytes in the IDX format of the MNIST files, plain or compressed by gzip. */

#include <stdbool.h>
#include <stddef.h>

enum { IDX_DIMS_MAX = 4, IDX_MESSAGE = 512 };

typedef struct idx {
    int dims;
    size_t extent[IDX_DIMS_MAX], count; /* count: the product of the extents */
    unsigned char *data;
} idx;

/*
 * The format: bytes 0, 0, 8 (unsigned bytes), number of dimensions; each extent as four bytes, the highest first; the
 * elements. The file must have `dims` dimensions, each >= 1, and be exactly as long as they say, which is checked
 * before memory is taken. False: `message` is one line that names the file and what is wrong.
 */
bool idx_read(const char *path, int dims, idx *out, char message[IDX_MESSAGE]);
void idx_free(idx *array);

#endif
