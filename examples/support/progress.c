/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "progress.h"

#include <stdio.h>
#include <unistd.h>

progress progress_begin(const char *label, bool quiet)
{
    const progress p = { label, !quiet && isatty(STDERR_FILENO), 0, time(NULL) };
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

void progress_steps(progress *p, long long done, long long all)
{
    enum { width = 30 };
    static const char full[] = "##############################", empty[] = "..............................";
    const time_t now = time(NULL);
    if (!p->visible || now == p->last || all < 1)
        return;
    p->last = now;
    const int filled = (int)(done * width / all);
    const double rate = (double)done / (double)(now > p->start ? now - p->start : 1);
    const long long left = rate > 0.0 ? (long long)((double)(all - done) / rate) : 0;
    (void)fprintf(stderr, "\r\033[K%s [%.*s%.*s] %lld of %lld, %.1f steps/s, %lld:%02lld left", p->label, filled, full,
                  width - filled, empty, done, all, rate, left / 60, left % 60);
}

void progress_end(progress *p)
{
    if (p->visible)
        (void)fprintf(stderr, "\r\033[K");
}
