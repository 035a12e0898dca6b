/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "progress.h"

#include <stdio.h>
#include <unistd.h>

progress progress_begin(const char *label, bool quiet)
{
    const progress p = { label, !quiet && isatty(STDERR_FILENO), 0 };
    return p;
}

void progress_note(progress *p, const char *text)
{
    if (p->visible)
        (void)fprintf(stderr, "\r\033[K%s: %s", p->label, text);
}

void progress_show(progress *p, double fraction)
{
    const time_t now = time(NULL);
    if (!p->visible || now == p->last)
        return;
    p->last = now;
    (void)fprintf(stderr, "\r\033[K%s: %.0f %%", p->label, 100.0 * fraction);
}

void progress_end(progress *p)
{
    if (p->visible)
        (void)fprintf(stderr, "\r\033[K");
}
