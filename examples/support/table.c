/* SPDX-License-Identifier: MIT */
/* Tells the form of a file by its first line, and makes a dense table of what the readers found. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cells.h"
#include "lines.h"

bool table_allocate(size_t rows, size_t cols, table *out)
{
    enum { line = 64 };
    const table made = { (ptrdiff_t)rows, (ptrdiff_t)cols, NULL, calloc(rows + 1, sizeof *out->y) };
    *out = made;
    if (out->y && cols > 0 && rows < ((size_t)1 << 36) / cols) {
        const size_t bytes = (rows * cols * sizeof *out->x / line + 1) * line;
        out->x = aligned_alloc(line, bytes);
        if (out->x)
            memset(out->x, 0, bytes);
    }
    if (!out->x)
        table_free(out);
    return out->x != NULL;
}

bool table_dense(const cells *found, ptrdiff_t cols, table *out)
{
    const size_t rows = found->rows, wide = (size_t)cols;
    if (!table_allocate(rows, wide, out))
        return false;
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

/* The first line that is not empty; NULL: `message` says why. */
static const char *first_line(lines *l, const char *path, char *message)
{
    const char *first = lines_next(l);
    while (first && !*first)
        first = lines_next(l);
    if (!first && !lines_failed(l))
        (void)snprintf(message, TABLE_MESSAGE, "%s: the file is empty", path);
    return first;
}

static bool read_lines(lines *l, const char *first, const char *target, const char *label, cells *found)
{
    if (strchr(first, ',') || strchr(first, '\t'))
        return read_delimited(l, first, target, label, found);
    if (strchr(first, ';') && !strchr(first, ':'))
        return lines_complain(l, strchr(first, ';'), "commas or tabs between fields");
    return read_sparse(l, first, target, label, found);
}

void table_no_row(const char *path, const char *label, char message[TABLE_MESSAGE])
{
    (void)snprintf(message, TABLE_MESSAGE, "%s: no row %s%s", path, label ? "of class " : "below the header",
                   label ? label : "");
}

static bool fill(const char *path, const char *target, const char *label, cells *found, table *out, char *message)
{
    lines *l = lines_open(path, message, TABLE_MESSAGE);
    if (!l)
        return false;
    const char *first = first_line(l, path, message);
    bool good = first && read_lines(l, first, target, label, found);
    lines_close(l);
    if (good && found->rows == 0) {
        table_no_row(path, label, message);
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

/* The first line, and after it a part of the rest, or, for part -1, nothing. */
static bool read_part(const char *path, const char *target, const char *label, int part, int parts, cells *found,
                      char *message)
{
    struct stat about;
    lines *l = lines_open(path, message, TABLE_MESSAGE);
    if (!l)
        return false;
    const char *first = first_line(l, path, message);
    bool good = first && stat(path, &about) == 0;
    if (good && part >= 0)
        good = lines_take_part(l, part, parts, (long long)about.st_size);
    else
        lines_end_here(l);
    good = good && read_lines(l, first, target, label, found);
    lines_close(l);
    return good;
}

bool table_read_part(const char *path, const char *target, const char *label, int part, int parts, cells *found,
                     char message[TABLE_MESSAGE])
{
    cells first = { 0 }; /* a row, if the first line is one: the first part's */
    message[0] = '\0';
    bool good = part == 0 || read_part(path, target, label, -1, parts, &first, message);
    good = good && read_part(path, target, label, part, parts, found, message);
    if (good)
        cells_drop_rows(found, first.rows);
    if (!good && !message[0])
        (void)snprintf(message, TABLE_MESSAGE, "%s: out of memory", path);
    cells_free(&first);
    return good;
}
