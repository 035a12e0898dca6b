/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <math.h>

void json_text(FILE *file, const char *text)
{
    (void)fputc('"', file);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            (void)fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < 32)
            (void)fprintf(file, "\\u%04x", (unsigned)*text);
        else
            (void)fputc(*text, file);
    (void)fputc('"', file);
}

void json_number(FILE *file, const char *name, double value)
{
    if (isfinite(value))
        (void)fprintf(file, "\"%s\": %.17g", name, value);
    else
        (void)fprintf(file, "\"%s\": %s", name, isnan(value) ? "null" : "\"inf\"");
}
