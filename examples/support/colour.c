/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "colour.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wanted(FILE *file)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return !(no && *no) && terminal && strcmp(terminal, "dumb") != 0 && isatty(fileno(file));
}

const char *colour_on(FILE *file, colour c)
{
    static const char *const codes[] = { "\033[32m", "\033[33m", "\033[31m" };
    return wanted(file) ? codes[c] : "";
}

const char *colour_off(FILE *file)
{
    return wanted(file) ? "\033[0m" : "";
}
