/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_RESULTS_H
#define EXAMPLES_RESULTS_H

/* What comes out: a table for people, and files for programs and for the eye. */

#include "job.h"
#include "optimum.h"
#include "run.h"

typedef struct results {
    const job *j;
    const char *data; /* its name */
    ptrdiff_t rows, cols, dropped;
    optimum best;
    const run *runs;
    int count;
} results;

/* No run is below the optimum: lower what is known of it to the least loss of all. */
void results_lower_optimum(results *r);

/* The run with the least loss at the end; -1 if none got below its start. */
int results_winner(const results *r);

void results_table(const results *r);

/* curves.csv, summary.json, curves.gp and curves.svg in the folder, which is there. False: `message` says why. */
bool results_write(const results *r, const char *folder, char message[512]);

#endif
