/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H

/* One line on a terminal's standard error that says how far a run is; nothing where that is no terminal. */

#include <stdbool.h>
#include <time.h>

typedef struct progress {
    const char *label;
    bool visible;
    time_t last, start;
} progress;

progress progress_begin(const char *label, bool quiet);
void progress_note(progress *p, const char *text);
void progress_show(progress *p, double fraction);                /* at most once a second */
void progress_steps(progress *p, long long done, long long all); /* the same, with a bar, steps/s and time left */
void progress_end(progress *p);

#endif
