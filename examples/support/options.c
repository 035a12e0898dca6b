/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool option_number(const char *value, double *out)
{
    char *end;
    *out = strtod(value, &end);
    return *value && !*end && !isnan(*out);
}

const char *option_item(const char **list, char *item, size_t size)
{
    if (!*list)
        return NULL;
    const size_t length = strcspn(*list, ",");
    (void)snprintf(item, size, "%.*s", (int)length, *list);
    *list = (*list)[length] ? *list + length + 1 : NULL;
    return item;
}

bool option_text(const option *o, const char *value)
{
    *(const char **)o->to = value;
    return true;
}

bool option_real(const option *o, const char *value)
{
    double number;
    if (!option_number(value, &number) || isinf(number) || number < o->lowest)
        return false;
    *(double *)o->to = number;
    return true;
}

bool option_count(const option *o, const char *value)
{
    static const long long most = 999999999999;
    char *end;
    const long long count = strtoll(value, &end, 10); /* beyond its range, the end of that */
    if (!*value || *end || (double)count < o->lowest || count > most)
        return false;
    *(int64_t *)o->to = count;
    return true;
}

static const option *find(size_t count, const option *table, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* Edits from one word to the other: letters put in, left out, exchanged, or swapped with their neighbour. */
static int distance(const char *a, const char *b)
{
    enum { longest = 24 };
    int rows[longest + 1][longest + 1];
    const int m = (int)strlen(a), n = (int)strlen(b);
    if (m > longest || n > longest)
        return longest;
    for (int i = 0; i <= m; i++)
        for (int j = 0; j <= n; j++) {
            int least = i + j; /* on the border, one of them is 0 */
            if (i > 0 && j > 0) {
                const int across = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
                least = rows[i - 1][j] < rows[i][j - 1] ? rows[i - 1][j] + 1 : rows[i][j - 1] + 1;
                least = across < least ? across : least;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && rows[i - 2][j - 2] + 1 < least)
                least = rows[i - 2][j - 2] + 1;
            rows[i][j] = least;
        }
    return rows[m][n];
}

/* The option that was probably meant: at most a third of its letters are wrong. NULL: none. */
static const char *nearest(size_t count, const option *table, const char *name)
{
    const char *best = NULL;
    int least = 0;
    for (size_t i = 0; i < count; i++) {
        const int edits = distance(name, table[i].name);
        if (3 * edits < (int)strlen(table[i].name) && (!best || edits < least)) {
            best = table[i].name;
            least = edits;
        }
    }
    return best;
}

static bool complain(size_t count, const option *table, const char *name, char message[256])
{
    const bool known = find(count, table, name);
    const char *meant = known ? NULL : nearest(count, table, name);
    if (meant)
        (void)snprintf(message, 256, "%.40s: no such option; did you mean %s? --help lists the options", name, meant);
    else
        (void)snprintf(message, 256, "%.40s: %s; --help lists the options", name,
                       known ? "its value is missing" : "no such option");
    return false;
}

bool options_read(int argc, char **argv, size_t count, const option *table, char message[256])
{
    for (int i = 1; i < argc; i++) {
        char name[64];
        const char *equals = strchr(argv[i], '='), *value = equals ? equals + 1 : NULL;
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(argv[i], "="), argv[i]);
        const option *o = find(count, table, strcmp(name, "-h") == 0 ? "--help" : name);
        if (o && !o->read && !value) {
            *(bool *)o->to = true;
            continue;
        }
        if (o && o->read && !value && i + 1 < argc)
            value = argv[++i];
        if (!o || !value)
            return complain(count, table, name, message);
        if (!o->read || !o->read(o, value)) {
            (void)snprintf(message, 256, "%s %.40s: must be %s", o->name, value,
                           o->read ? o->allowed : "without a value");
            return false;
        }
    }
    return true;
}
