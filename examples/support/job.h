/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_JOB_H
#define EXAMPLES_JOB_H

/* What lp_regression was asked to do. */

#include <stdbool.h>
#include <stdint.h>

#include <depthopt/depthopt.h>

#include "support/keep.h"

enum { JOB_LIST_MAX = 16, JOB_THREADS_MAX = 64 };

/* A way to train: an optimizer on one of the library's models. */
typedef struct method {
    const char *name;
    dopt_model model;
    dopt_optim_kind optimizer;
} method;

typedef struct job {
    const char *data, *target, *label, *out; /* NULL: not given */
    double p, lr, init_std;                  /* lr 0: searched for */
    double depths[JOB_LIST_MAX];
    const method *methods[JOB_LIST_MAX];
    int depth_count, method_count;
    int threads;          /* 0: all processors */
    int64_t steps, every; /* every: record each so many steps */
    int64_t batch, width, seed;
    dopt_init init;
    keep_options keep;
    bool quiet, help;
} job;

extern const char *const job_usage;

/* Read the command line, with up to 8 options of your own. False: `message` is one line that says what is wrong. */
bool job_read(int argc, char **argv, size_t more_count, const option *more, job *out, char message[256]);

#endif
