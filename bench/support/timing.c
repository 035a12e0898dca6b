/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "timing.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

enum { turns_min = 5, turns_max = 401 };

/* A turn of a contender takes at least this long, so that the clock does not count. */
static const double turn_seconds = 2e-3;

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double median(int count, double *values)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

static double seconds_of(contender c, int repeats)
{
    const double start = now();
    for (int i = 0; i < repeats; i++)
        c.run(c.state);
    return (now() - start) / repeats;
}

/* Calls that fill a turn. The first call, which warms the caches, does not count. */
static int repeats_of(contender c)
{
    c.run(c.state);
    int repeats = 1;
    while (repeats < 1000000) {
        const double seconds = seconds_of(c, repeats) * repeats;
        if (seconds >= turn_seconds)
            break;
        repeats *= seconds < 0.1 * turn_seconds ? 8 : 2;
    }
    return repeats;
}

void race(int count, const contender *contenders, double seconds, timing *result)
{
    static double times[contenders_max][turns_max], ratios[turns_max];
    int repeats[contenders_max], turns = 0;
    assert(count >= 1 && count <= contenders_max);
    for (int i = 0; i < count; i++)
        repeats[i] = repeats_of(contenders[i]);
    const double start = now();
    while (turns < turns_max && (turns < turns_min || now() - start < seconds)) {
        for (int i = 0; i < count; i++)
            times[i][turns] = seconds_of(contenders[i], repeats[i]);
        turns++;
    }
    for (int i = count - 1; i >= 0; i--) { /* the first one last: its order is needed by the others */
        for (int t = 0; t < turns; t++)
            ratios[t] = times[i][t] / times[0][t];
        result[i].ratio = median(turns, ratios);
        result[i].seconds = median(turns, times[i]);
        result[i].least = times[i][0]; /* they are in order now */
    }
}
