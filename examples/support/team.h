/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_TEAM_H
#define EXAMPLES_TEAM_H

/*
 * Training runs that share each pass over the data: their weights are the rows of one W, whose gradient is that of
 * every run. One pass for twenty runs costs about as much as ten passes for one each, and less memory traffic.
 */

#include <depthopt/depthopt.h>

#include "curve.h"
#include "study.h"

typedef struct member {
    char name[64];
    int kind;                 /* the caller's: what is tuned together */
    dopt_fit_options options; /* max_steps: its horizon; full batches, no stopping rules, no callback */
    curve loss;               /* mean of |error|^p over steps, to the end or to where it diverged */
    bool diverged;            /* a weight passed 1e9 or was no number */
    int64_t steps;            /* taken */
} member;

/* A member by name and model with the study's seed: factors of width 1 drawn from N(0, 0.01^2). */
member team_member(const study *s, int kind, dopt_model model, double depth, double lr, const char *name);

/* Run them on the study's table. False: s->message says why. */
bool team_run(study *s, const char *label, double p, member *members, int count);
void team_free(member *members, int count);

/* Loss at the end of its horizon; INFINITY if it diverged. */
double team_final(const member *m);

/* Whether at most one run came to the optimum but for rounding. False, and s->message says so: distances from it are
 * then noise, and nothing that is said of them means anything. Members may be NULL. */
bool team_told_apart(study *s, int count, const member *const *members, double optimum);

/* Loss at a step; NaN after the end. */
double team_loss_at(const member *m, double step);

#endif
