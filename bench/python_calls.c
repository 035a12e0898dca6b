/* SPDX-License-Identifier: MIT */
/*
 * The C side of python_overhead.py: the same calls on the same memory, in a loop without Python.
 */

#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include <depthopt/depthopt.h>

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double seconds_of_updates(dopt_e2e *e2e, dopt_mat w, dopt_cmat grad, double lr, int count);

/* Seconds of `count` updates; negative: one of them failed. */
double seconds_of_updates(dopt_e2e *e2e, dopt_mat w, dopt_cmat grad, double lr, int count)
{
    const double start = now();
    for (int i = 0; i < count; i++)
        if (dopt_e2e_update(e2e, w, grad, lr, 0.0) != DOPT_OK)
            return -1.0;
    return now() - start;
}
