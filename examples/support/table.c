/* SPDX-License-Identifier: MIT */
/* Tells the form of a file by its first line, and makes a dense table of what the readers found. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "lines.h"

static bool table_dense(const cells *found, ptrdiff_t cols, table *out)
{
    const size_t rows = found->rows, wide = (size_t)cols;
    out->rows = (ptrdiff_t)rows;
    out->cols = cols;
    out->x = wide > 0 && rows < ((size_t)1 << 36) / wide ? calloc(rows * wide, sizeof *out->x) : NULL;
    out->y = calloc(rows, sizeof *out->y);
    if (!out->x || !out->y) {
        table_free(out);
        return false;
    }
    for (size_t i = 0; i < rows; i++)
        out->y[i] = found->target[i];
    for (size_t i = 0; i < found->count; i++)
        out->x[(size_t)found->row[i] * wide + (size_t)found->col[i]] = found->value[i];
    return true;
}

void table_free(table *t)
{
    free(t->x);
    free(t->y);
    t->x = t->y = NULL;
}

static bool fill(const char *path, const char *target, const char *label, cells *found, table *out, char *message)
{
    lines *l = lines_open(path, message, TABLE_MESSAGE);
    if (!l)
        return false;
    const char *first = lines_next(l);
    while (first && !*first)
        first = lines_next(l);
    if (!first && !lines_failed(l))
        (void)snprintf(message, TABLE_MESSAGE, "%s: the file is empty", path);
    bool good = first != NULL;
    if (good && (strchr(first, ',') || strchr(first, '\t')))
        good = read_delimited(l, first, target, label, found);
    else if (good)
        good = read_sparse(l, first, target, label, found);
    lines_close(l);
    if (good && found->rows == 0) {
        (void)snprintf(message, TABLE_MESSAGE, "%s: no row of class %s", path, label ? label : "any");
        good = false;
    }
    if (good && !table_dense(found, found->cols, out)) {
        (void)snprintf(message, TABLE_MESSAGE, "%s: %zu x %td numbers do not fit the memory, or none are there", path,
                       found->rows, found->cols);
        good = false;
    }
    return good;
}

bool table_read(const char *path, const char *target, const char *label, table *out, char message[TABLE_MESSAGE])
{
    cells found = { 0 };
    message[0] = '\0';
    const bool good = fill(path, target, label, &found, out, message);
    if (!good && !message[0])
        (void)snprintf(message, TABLE_MESSAGE, "%s: out of memory", path);
    cells_free(&found);
    return good;
}
