/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OPTIM_OPTIM_STATE_H
#define DEPTHOPT_OPTIM_OPTIM_STATE_H

/* What an optimizer is made of; src/checkpoint saves and restores it. */

#include <stdbool.h>

#include <depthopt/optim.h>

#include "base/busy.h"
#include "optim/rules.h"

/* What the state was made for, and the state: matrices of one line after the other. */
typedef struct dopt__block {
    ptrdiff_t rows, cols;
    dopt_dtype dtype;
    bool by_rows;
    void *state[DOPT__STATES_MAX];
} dopt__block;

struct dopt_optim {
    dopt__busy busy;
    dopt_allocator allocator;
    dopt_optim_kind kind;
    const dopt__rule *rule;
    double hyper[DOPT_HYPER_COUNT];
    int64_t steps;
    double square; /* second moment of all blocks together, for a grouped rule */
    int blocks;
    dopt__block *block;
    dopt_mat *params; /* views of a net's factors and gradients */
    dopt_cmat *grads;
};

static inline dopt_mat dopt__optim_state_of(const dopt__block *b, int s)
{
    const dopt_mat m = { b->state[s], b->rows, b->cols, b->by_rows ? b->cols : 1, b->by_rows ? 1 : b->rows, b->dtype };
    return m;
}

#endif
