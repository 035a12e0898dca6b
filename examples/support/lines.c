/* SPDX-License-Identifier: MIT */
#include "lines.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

static const char mark[] = "\xEF\xBB\xBF"; /* of UTF-8, where some programs begin a file */

struct lines {
    gzFile file;
    const char *path;
    char *text, *message;
    size_t capacity, message_size, number;
    z_off_t at, end; /* where the present line starts; from where on no line starts any more, -1: the end of the file */
    char part[32];   /* which one of how many, for messages */
    bool failed;
};

lines *lines_open(const char *path, char *message, size_t size)
{
    lines *l = calloc(1, sizeof *l);
    if (l)
        l->file = gzopen(path, "rb");
    if (!l || !l->file) {
        (void)snprintf(message, size, "%s: %s", path, l ? strerror(errno) : "out of memory");
        free(l);
        return NULL;
    }
    (void)gzbuffer(l->file, 1 << 17);
    l->path = path;
    l->end = -1;
    l->message = message;
    l->message_size = size;
    return l;
}

void lines_close(lines *l)
{
    if (!l)
        return;
    (void)gzclose(l->file);
    free(l->text);
    free(l);
}

bool lines_refuse(lines *l, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    l->failed = true;
    (void)snprintf(l->message, l->message_size, "%s%s:%zu: %s", l->path, l->part, l->number, text);
    return false;
}

static const char *give_up(lines *l, const char *why)
{
    (void)lines_refuse(l, "%s", why);
    return NULL;
}

/* The end of a file that was cut off looks like any other, but for zlib's own error. */
static const char *at_end(lines *l)
{
    int code = Z_OK;
    (void)gzerror(l->file, &code);
    if (code == Z_OK || code == Z_STREAM_END)
        return NULL;
    return give_up(l, code == Z_ERRNO ? strerror(errno) : "the compressed data are cut off or damaged");
}

static bool grow(lines *l)
{
    const size_t capacity = l->capacity ? 2 * l->capacity : 4096;
    char *text = capacity <= (size_t)1 << 28 ? realloc(l->text, capacity) : NULL;
    if (!text)
        return false;
    l->text = text;
    l->capacity = capacity;
    return true;
}

void lines_end_here(lines *l)
{
    l->end = l->at;
}

bool lines_take_part(lines *l, int part, int parts, long long bytes)
{
    if (!gzdirect(l->file)) {
        return lines_refuse(l, "a compressed file cannot be read in parts");
    }
    const double each = (double)(bytes - l->at) / parts;
    l->end = part == parts - 1 ? -1 : l->at + (z_off_t)(each * (part + 1));
    const z_off_t from = l->at + (z_off_t)(each * part), first = from > l->at ? from : l->at + 1;
    if (part == 0)
        return true;
    (void)snprintf(l->part, sizeof l->part, " (part %d of %d)", part + 1, parts);
    l->number = 0;
    if (gzseek(l->file, first - 1, SEEK_SET) < 0) {
        return lines_refuse(l, "cannot be read in parts");
    }
    for (int byte = 0; byte != -1 && byte != '\n';)
        byte = gzgetc(l->file);
    return true;
}

const char *lines_next(lines *l)
{
    size_t used = 0;
    int byte;
    l->number++;
    l->at = gztell(l->file);
    if (l->end >= 0 && l->at >= l->end)
        return NULL;
    while ((byte = gzgetc(l->file)) != -1 && byte != '\n') {
        if (byte == '\0')
            return give_up(l, "expected text, found a NUL byte");
        if (used + 2 > l->capacity && !grow(l))
            return give_up(l, "the line is too long");
        l->text[used++] = (char)byte;
    }
    if (byte == -1 && (at_end(l) || l->failed || used == 0))
        return NULL;
    if (l->capacity == 0 && !grow(l))
        return give_up(l, "out of memory");
    if (used > 0 && l->text[used - 1] == '\r')
        used--;
    l->text[used] = '\0';
    if (l->at == 0 && strncmp(l->text, mark, 3) == 0)
        memmove(l->text, l->text + 3, used - 2);
    return l->text;
}

bool lines_failed(const lines *l)
{
    return l->failed;
}

bool lines_complain(lines *l, const char *at, const char *expected)
{
    char found[24] = "the end of the line";
    if (*at)
        (void)snprintf(found, sizeof found, "'%.12s'", at);
    l->failed = true;
    (void)snprintf(l->message, l->message_size, "%s%s:%zu:%td: expected %s, found %s", l->path, l->part, l->number,
                   at - l->text + 1, expected, found);
    return false;
}

bool lines_number(lines *l, const char **at, const char *ends, double *out)
{
    const size_t length = strspn(*at, "+-.0123456789eE");
    char *end;
    const double value = strtod(*at, &end);
    if (length == 0 || end != *at + length || !isfinite(value))
        return lines_complain(l, *at, "a finite number");
    if (*end && !strchr(ends, *end))
        return lines_complain(l, end, "the end of the number");
    *at = end;
    *out = value;
    return true;
}

bool lines_index(lines *l, const char **at, const char *ends, long most, long *out)
{
    char *end;
    const size_t length = strspn(*at, "0123456789");
    const long value = strtol(*at, &end, 10);
    char expected[64];
    (void)snprintf(expected, sizeof expected, "an index from 1 to %ld", most);
    if (length == 0 || length > 9 || value < 1 || value > most)
        return lines_complain(l, *at, expected);
    if (!*end || !strchr(ends, *end))
        return lines_complain(l, end, "':' after the index");
    *at = end;
    *out = value;
    return true;
}
