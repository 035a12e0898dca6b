/* SPDX-License-Identifier: MIT */
/* index:value files: LIBSVM, `label 1:v ...`, and the UCI gas sensors, `class;concentration 1:v ...`. */
#include <string.h>

#include "cells.h"

static const long index_max = 1000000;

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " ");
}

/* Leaves *at after the head of the line; *wanted: the row is of the class that was asked for. */
static bool read_head(lines *l, const char **at, bool gas, const char *label, double *target, bool *wanted)
{
    const char *start = *at;
    double class_number;
    *wanted = true;
    if (!gas)
        return lines_number(l, at, " ", target);
    if (!lines_number(l, at, ";", &class_number))
        return false;
    if (**at != ';')
        return lines_complain(l, *at, "';' after the class");
    if (label)
        *wanted = strlen(label) == (size_t)(*at - start) && strncmp(label, start, strlen(label)) == 0;
    (*at)++;
    return lines_number(l, at, " ", target);
}

static bool read_features(lines *l, const char *at, bool keep, cells *out)
{
    long last = 0;
    for (at = skip_blanks(at); *at; at = skip_blanks(at)) {
        const char *start = at;
        long index;
        double value;
        if (!lines_index(l, &at, ":", index_max, &index))
            return false;
        if (index <= last)
            return lines_complain(l, start, "an index larger than the one before");
        at++;
        if (!lines_number(l, &at, " ", &value))
            return false;
        if (keep && !cells_add(out, (int)index - 1, value))
            return false;
        last = index;
    }
    return true;
}

bool read_sparse(lines *l, const char *first, const char *target, const char *label, cells *out)
{
    const bool gas = strchr(first, ';') != NULL;
    if (target && strcmp(target, gas ? "concentration" : "label") != 0)
        return lines_complain(
            l, first, gas ? "--target concentration for this form of file" : "--target label for this form of file");
    if (label && !gas)
        return lines_complain(l, first, "a form of file with classes (class;concentration), for --class");
    for (const char *at = first; at; at = lines_next(l)) {
        double value;
        bool wanted;
        at = skip_blanks(at);
        if (!*at)
            continue;
        if (!read_head(l, &at, gas, label, &value, &wanted) || !read_features(l, at, wanted, out))
            return false;
        if (wanted && !cells_end_row(out, value))
            return false;
    }
    return !lines_failed(l);
}
