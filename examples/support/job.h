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
    uint64_t data_sum; /* of the table as it was read, for what is kept */
    bool quiet, help;
} job;

/* Their part of --help. */
#define JOB_OPTIONS                                                                                                    \
    "  --p P                 power of the error, from 1 up; default 4\n"                                               \
    "  --method NAME[,...]   gd e2e factored momentum nesterov adagrad adadelta\n"                                     \
    "                        rmsprop adam group_rmsprop;\n"                                                            \
    "                        default gd,e2e,adagrad,adadelta\n"                                                        \
    "  --depth N[,...]       of e2e (any number from 1 up, or inf) and factored;\n"                                    \
    "                        default 2,3; all other methods are of depth 1\n"                                          \
    "  --lr ETA|auto         auto, the default: the best of a grid for each method\n"                                  \
    "  --steps T             default 10000\n"                                                                          \
    "  --batch B             rows a step; default 0, all\n"                                                            \
    "  --init KIND           normal (factors of small random numbers), balanced or\n"                                  \
    "                        identity; default normal\n"                                                               \
    "  --init-std S          their standard deviation; default 0.01\n"                                                 \
    "  --width H             hidden width of the factors; default 1\n"                                                 \
    "  --seed S              default 1\n"

extern const char *const job_usage;

/* As --init has it. */
const char *job_init_name(dopt_init init);

/* Read the command line, with up to 8 options of your own. False: `message` is one line that says what is wrong. */
bool job_read(int argc, char **argv, size_t more_count, const option *more, job *out, char message[256]);

#endif
