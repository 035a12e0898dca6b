/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OPTIM_RULES_H
#define DEPTHOPT_OPTIM_RULES_H

/*
 * The update rules, on arrays of double. To add one: a row in the table of rules.c, and a kind in optim.h; tests take
 * it up from there.
 */

#include <depthopt/optim.h>

#include "base/cpu.h"

#define DOPT__STATES_MAX 2
#define DOPT__RULES 8

/* Numbers of one step. */
typedef struct dopt__step {
    double hyper[DOPT_HYPER_COUNT];
    double correction1, correction2; /* adam: 1 - beta1^t, 1 - beta2^t */
    double scale;                    /* group_rmsprop: root of the corrected second moment of all blocks together */
} dopt__step;

/* p and the states are updated in place; g already holds the weight decay. */
typedef void (*dopt__rule_fn)(const dopt__step *step, ptrdiff_t count, double *p, const double *g,
                              double *const state[DOPT__STATES_MAX]);

typedef struct dopt__rule {
    const char *name;
    int states;
    dopt__rule_fn apply;
    double initial[DOPT_HYPER_COUNT]; /* NaN: the rule has no such hyperparameter */
    int grouped;                      /* 1: it has one second moment for all blocks together */
} dopt__rule;

/* By kind. */
typedef struct dopt__rule_table {
    dopt__rule of[DOPT__RULES];
} dopt__rule_table;

DOPT__DECLARE_BY_ISA(dopt__rule_table, dopt__rule_table)

/* The rule of a kind; NULL if there is none. */
const dopt__rule *dopt__rule_of(dopt_optim_kind kind);

/* DOPT_OK if there is this kind; `name` is the argument's name. */
dopt_status dopt__check_kind(const char *func, const char *name, dopt_optim_kind kind);

/* DOPT_OK if the kind has the hyperparameter and it may have this value; `where` begins the message, or is "". */
dopt_status dopt__check_hyper(const char *func, const char *where, dopt_optim_kind kind, dopt_hyper hyper,
                              double value);

#endif
