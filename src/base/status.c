/* SPDX-License-Identifier: MIT */
/*
 * Statuses and the last error. The one-line text, with the number of failures, is the library's only thread-local
 * state, and the only state at all outside the handles.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <depthopt/status.h>

#include "base/check.h"

static _Thread_local char last_error[256];
static _Thread_local unsigned long failures;

const char *dopt_status_string(dopt_status status)
{
    switch (status) {
    case DOPT_OK: return "ok";
    case DOPT_ERR_INVALID: return "invalid argument";
    case DOPT_ERR_SHAPE: return "shape mismatch";
    case DOPT_ERR_DTYPE: return "element type mismatch";
    case DOPT_ERR_NOMEM: return "out of memory";
    case DOPT_ERR_NONFINITE: return "not finite";
    case DOPT_ERR_NUMERICAL: return "numerical failure";
    case DOPT_ERR_IO: return "input or output failed";
    case DOPT_ERR_FORMAT: return "malformed data";
    case DOPT_ERR_VERSION: return "made for another release";
    case DOPT_ERR_BUSY: return "in use";
    }
    return "unknown status";
}

const char *dopt_last_error(void)
{
    return last_error;
}

void dopt__record(const char *func, const char *format, ...)
{
    const int n = snprintf(last_error, sizeof last_error, "%s: ", func);
    failures++;
    if ((size_t)n >= sizeof last_error) /* also where n < 0 */
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(last_error + n, sizeof last_error - (size_t)n, format, args);
    va_end(args);
    /* Names from a file may hold anything, and a message is one line that a terminal can show. */
    for (char *at = last_error; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
}

unsigned long dopt__failures(void)
{
    return failures;
}

dopt_status dopt__within(const char *func, dopt_status status)
{
    const size_t length = strlen(func);
    if (status == DOPT_OK || (strncmp(last_error, func, length) == 0 && last_error[length] == ':'))
        return status;
    char inner[sizeof last_error];
    memcpy(inner, last_error, sizeof inner);
    return dopt__fail(status, func, "%s", inner);
}

dopt_status dopt__callback_failed(const char *func, unsigned long before, dopt_status status)
{
    if (failures != before)
        return dopt__within(func, status);
    return dopt__fail(status, func, "the callback returned \"%s\"", dopt_status_string(status));
}

dopt_status dopt_fail(dopt_status status, const char *function, const char *text)
{
    return dopt__fail(status, function ? function : "?", "%s", text ? text : "?");
}
