/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

void dopt__log(const dopt_logger *logger, dopt_log_level level, const char *format, ...)
{
    if (!logger->fn)
        return;
    char line[256];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n >= 0)
        logger->fn(level, line, logger->user);
}
