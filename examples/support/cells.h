/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_CELLS_H
#define EXAMPLES_CELLS_H

/* What the readers of tables collect, and the readers. */

#include <stdbool.h>
#include <stddef.h>

#include "lines.h"

/* Features that are not zero, and a target for each row. */
typedef struct cells {
    size_t count, capacity;
    int *row, *col;
    double *value;
    size_t rows, target_capacity;
    double *target;
    ptrdiff_t cols; /* features */
} cells;

/* False: out of memory. */
bool cells_add(cells *c, int col, double value); /* to the row that is being read */
bool cells_end_row(cells *c, double target);
void cells_drop_rows(cells *c, size_t count); /* the first ones */
void cells_free(cells *c);

/* The first line has been read already. False: the lines hold the message, or there is no memory. */
bool read_sparse(lines *l, const char *first, const char *target, const char *label, cells *out);
bool read_delimited(lines *l, const char *first, const char *target, const char *label, cells *out);

#endif
