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
    char *end;
    const long long count = strtoll(value, &end, 10);
    if (!*value || strlen(value) > 12 || *end || (double)count < o->lowest)
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

bool options_read(int argc, char **argv, size_t count, const option *table, char message[256])
{
    for (int i = 1; i < argc; i++) {
        const option *o = find(count, table, argv[i]);
        if (o && !o->read) {
            *(bool *)o->to = true;
        } else if (!o || i + 1 == argc) {
            (void)snprintf(message, 256, "%.40s: %s; --help lists them", argv[i],
                           o ? "its value is missing" : "no such option");
            return false;
        } else if (!o->read(o, argv[++i])) {
            (void)snprintf(message, 256, "%s %.40s: must be %s", o->name, argv[i], o->allowed);
            return false;
        }
    }
    return true;
}
