/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_CHECKPOINT_NUMBERS_H
#define DEPTHOPT_CHECKPOINT_NUMBERS_H

/* The numbers of a run: options that must be the same where it is resumed, and where it stands. */

#include <stdbool.h>
#include <stdint.h>

#include <depthopt/status.h>
#include <depthopt/trainer.h>

enum { DOPT__NUMBERS_MAX = 32 };

typedef enum dopt__number_type { DOPT__I64, DOPT__U64, DOPT__DOUBLE } dopt__number_type;

typedef struct dopt__number {
    char name[32];
    dopt__number_type type;
    bool option; /* must be the same */
    union {
        int64_t i;
        uint64_t u;
        double f;
    } is;
} dopt__number;

/* Those of a trainer, at most DOPT__NUMBERS_MAX. Their names and order depend on model and optimizer alone. */
int dopt__numbers_of(const dopt_trainer *trainer, dopt__number *out);

/* Whether `theirs` could be of a run like `mine`, of the same names. */
dopt_status dopt__numbers_check(const char *func, int count, const dopt__number *mine, const dopt__number *theirs);

/* Set the run to where these say that it stands. They are checked. */
void dopt__numbers_restore(dopt_trainer *trainer, const dopt__number *theirs);

#endif
