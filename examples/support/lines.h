/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_LINES_H
#define EXAMPLES_LINES_H

/* The lines of a plain or gzip-compressed file, and numbers in them. */

#include <stdbool.h>
#include <stddef.h>

typedef struct lines lines;

/* NULL: `message` says why. */
lines *lines_open(const char *path, char *message, size_t size);
void lines_close(lines *l);

/* The next line, without its end; NULL at the end of the file or on failure, which lines_failed() tells apart. */
const char *lines_next(lines *l);
bool lines_failed(const lines *l);

/*
 * Go on with one of `parts` parts of a plain file of so many bytes: the lines that start within a range of bytes. They
 * are cut between the present line, which is not read again, and the end. Line numbers count from there on.
 */
bool lines_take_part(lines *l, int part, int parts, long long bytes);

/* No line after the present one. */
void lines_end_here(lines *l);

/* Record "path:line: text". Always false. */
bool lines_refuse(lines *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Record "path:line:column: text"; `at` points into the present line. Always false. */
bool lines_complain(lines *l, const char *at, const char *expected);

/*
 * A finite decimal number at *at, which is moved past it. The number must be followed by one of `ends` or the end of
 * the line. Nothing but digits, sign, point and exponent is a number, whatever the locale.
 */
bool lines_number(lines *l, const char **at, const char *ends, double *out);

/* A positive integer, up to `most`. */
bool lines_index(lines *l, const char **at, const char *ends, long most, long *out);

#endif
