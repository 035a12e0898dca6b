/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_TABLE_H
#define EXAMPLES_TABLE_H

/* A table of numbers and the column that is to be predicted. */

#include <stdbool.h>
#include <stddef.h>

enum { TABLE_MESSAGE = 512 };

typedef struct table {
    ptrdiff_t rows, cols; /* cols: features */
    double *x;            /* rows x cols, row after row */
    double *y;            /* rows */
} table;

/*
 * Read a file of one of these forms, told by its first line, plain or compressed by gzip, lines ending in LF or CRLF:
 *
 *     class;concentration 1:v 2:v ...     UCI gas sensors: the target is the concentration
 *     label 1:v 4:v ...                   LIBSVM: the target is the label, features left out are 0
 *     a,b,c or a<TAB>b<TAB>c              with or without a line of names: the target is a column
 *
 * `target`: name or number (from 1) of the column, NULL: the last; only for the third form. `label`: only rows of this
 * class, NULL: all; only for the first. On failure `message` is one line, with file:line:column where there is one.
 */
bool table_read(const char *path, const char *target, const char *label, table *out, char message[TABLE_MESSAGE]);

/* A table of zeros, x on a cache line: rows of 8, 16, 24, ... numbers are read faster by a fifth. False: no memory. */
bool table_allocate(size_t rows, size_t cols, table *out);
void table_free(table *t);

/*
 * One of `parts` parts of a plain file of these forms, as the readers leave it; the first line of the file says which
 * form it has in all parts. A part may be empty.
 */
struct cells;
bool table_read_part(const char *path, const char *target, const char *label, int part, int parts, struct cells *found,
                     char message[TABLE_MESSAGE]);

/* What is said of a file without a row that is wanted. */
void table_no_row(const char *path, const char *label, char message[TABLE_MESSAGE]);

/* A dense table of what was found, with `cols` features. False: it does not fit the memory. */
bool table_dense(const struct cells *found, ptrdiff_t cols, table *out);

#endif
