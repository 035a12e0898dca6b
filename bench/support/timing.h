/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

/*
 * Contenders are timed in turns, so that a slow spell of the machine hits all of them, and compared within a turn.
 */

typedef struct contender {
    void (*run)(void *state);
    void *state;
} contender;

typedef struct timing {
    double seconds; /* of one call, the median over the turns */
    double ratio;   /* to the first contender, the median over the turns of the ratio within a turn */
    double least;   /* seconds of one call in the shortest turn: what is left of a busy machine's disturbances */
} timing;

enum { contenders_max = 8 };

/* At least `turns_min` turns, more until `seconds` have passed; short calls are repeated within a turn. */
void race(int count, const contender *contenders, double seconds, timing *result);

/* Monotonic time in seconds. */
double now(void);

double median(int count, double *values); /* sorts them */

#endif
