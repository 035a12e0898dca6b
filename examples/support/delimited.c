/* SPDX-License-Identifier: MIT */
/* Comma- or tab-separated tables. Fields may be quoted; a first line with a field that is no number holds the names. */
#include <stdlib.h>
#include <string.h>

#include "cells.h"

/* A field: its text without quotes and the blanks around it, and what comes after it. */
typedef struct field {
    const char *start, *next; /* next: the delimiter or the end of the line */
    size_t length;
} field;

static bool take_field(lines *l, const char *at, char delimiter, field *out)
{
    const char both[] = { delimiter, '\0' };
    while (*at == ' ')
        at++;
    if (*at != '"') {
        out->start = at;
        out->length = strcspn(at, both);
        out->next = at + out->length;
        while (out->length > 0 && at[out->length - 1] == ' ')
            out->length--;
        return true;
    }
    const char *close = strchr(at + 1, '"');
    if (!close)
        return lines_complain(l, at, "a closing quote");
    if (close[1] && close[1] != delimiter)
        return lines_complain(l, close + 1, "the delimiter after the quote");
    out->start = at + 1;
    out->length = (size_t)(close - at - 1);
    out->next = close + 1;
    return true;
}

static bool is_number(const field *f)
{
    char *end;
    if (f->length == 0 || strspn(f->start, "+-.0123456789eE") < f->length)
        return false;
    (void)strtod(f->start, &end);
    return end == f->start + f->length;
}

typedef struct heading {
    int columns, target; /* the target's column, from 0 */
    int named;           /* columns of its name */
    bool names;          /* the line holds names, no numbers */
} heading;

/* Which column is the target: by name, by number from 1, or the last. */
static bool read_heading(lines *l, const char *line, char delimiter, const char *target, heading *out)
{
    const char *at = line;
    bool more = true;
    out->target = -1;
    for (; more; out->columns++) {
        field f = { at, at, 0 };
        if (!take_field(l, at, delimiter, &f))
            return false;
        out->names = out->names || !is_number(&f);
        if (target && strlen(target) == f.length && strncmp(target, f.start, f.length) == 0) {
            out->target = out->columns;
            out->named++;
        }
        more = *f.next != '\0';
        at = f.next + 1;
    }
    if (target && (out->target < 0 || !out->names)) {
        char *end;
        const long number = strtol(target, &end, 10);
        out->target = *target && !*end && number >= 1 && number <= out->columns ? (int)number - 1 : -1;
    }
    if (!target)
        out->target = out->columns - 1;
    if (out->names && out->named > 1)
        return lines_refuse(l, "--target %.80s: %d columns have that name; give the number of one", target, out->named);
    if (out->target < 0 && out->names)
        return lines_refuse(l, "--target %.80s: no such column; there are %.160s", target, line);
    return out->target >= 0 ||
           lines_refuse(l, "--target %.80s: no such column; there are %d, without names", target, out->columns);
}

static bool read_row(lines *l, const char *line, char delimiter, const heading *h, cells *out)
{
    const char *at = line, ends[] = { delimiter, '"', ' ', '\0' };
    double target = 0.0;
    for (int column = 0; column < h->columns; column++) {
        field f = { at, at, 0 };
        double value;
        if (!take_field(l, at, delimiter, &f))
            return false;
        const char *number = f.start;
        if (!lines_number(l, &number, ends, &value))
            return false;
        if (number != f.start + f.length)
            return lines_complain(l, number, "the end of the field");
        if (column == h->target)
            target = value;
        else if (!cells_add(out, column - (column > h->target), value))
            return false;
        const bool last = column == h->columns - 1;
        if (last != (*f.next == '\0'))
            return lines_complain(l, f.next,
                                  last ? "the end of the line: as many fields as in the first line"
                                       : "another field: as many as in the first line");
        at = f.next + 1;
    }
    return cells_end_row(out, target);
}

bool read_delimited(lines *l, const char *first, const char *target, const char *label, cells *out)
{
    const char delimiter = strchr(first, ',') ? ',' : '\t';
    heading h = { 0 };
    if (label)
        return lines_complain(l, first, "a form of file with classes (class;concentration), for --class");
    if (!read_heading(l, first, delimiter, target, &h))
        return false;
    for (const char *line = h.names ? lines_next(l) : first; line; line = lines_next(l))
        if (*line && !read_row(l, line, delimiter, &h, out))
            return false;
    return !lines_failed(l);
}
