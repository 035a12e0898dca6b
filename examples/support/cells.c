/* SPDX-License-Identifier: MIT */
#include "cells.h"

#include <limits.h>
#include <stdlib.h>

static bool grow(void **array, size_t capacity, size_t size)
{
    void *larger = realloc(*array, capacity * size);
    if (larger)
        *array = larger;
    return larger != NULL;
}

bool cells_add(cells *c, int col, double value)
{
    if (c->count == c->capacity) {
        const size_t capacity = c->capacity ? 2 * c->capacity : 4096;
        if (!grow((void **)&c->row, capacity, sizeof *c->row) || !grow((void **)&c->col, capacity, sizeof *c->col) ||
            !grow((void **)&c->value, capacity, sizeof *c->value))
            return false;
        c->capacity = capacity;
    }
    c->row[c->count] = (int)c->rows;
    c->col[c->count] = col;
    c->value[c->count] = value;
    c->count++;
    if (col >= c->cols)
        c->cols = col + 1;
    return true;
}

bool cells_end_row(cells *c, double target)
{
    if (c->rows == c->target_capacity) {
        const size_t capacity = c->target_capacity ? 2 * c->target_capacity : 1024;
        if (capacity > INT_MAX || !grow((void **)&c->target, capacity, sizeof *c->target))
            return false;
        c->target_capacity = capacity;
    }
    c->target[c->rows++] = target;
    return true;
}

void cells_drop_rows(cells *c, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        if ((size_t)c->row[i] < count)
            continue;
        c->row[kept] = c->row[i] - (int)count;
        c->col[kept] = c->col[i];
        c->value[kept++] = c->value[i];
    }
    c->count = kept;
    c->rows -= count;
    for (size_t i = 0; i < c->rows; i++)
        c->target[i] = c->target[i + count];
}

void cells_free(cells *c)
{
    free(c->row);
    free(c->col);
    free(c->value);
    free(c->target);
}
