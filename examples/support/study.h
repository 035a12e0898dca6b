/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_STUDY_H
#define EXAMPLES_STUDY_H

/*
 * What the programs that rerun the paper have in common: the command line, the data, and what comes out.
 *
 * A program states what it found as claims with a verdict, numbers beside published ones, numbers of its own, and
 * figures. All of it is printed, and written to results.json in the folder of --out, from which scripts/reproduce makes
 * its page.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <depthopt/depthopt.h>

#include "folder.h"
#include "keep.h"
#include "progress.h"
#include "table.h"

typedef struct study study;

/* What a program is. */
typedef struct study_plan {
    const char *name, *about; /* about: a line or more for --help */
    int64_t steps, quick;     /* --steps, and with --quick; 0: there is no such option */
    double p;                 /* --p; 0: there is no such option */
    bool data;                /* --data: a table, standardised */
    bool keeps;               /* --checkpoint, --every and --resume */
    bool (*run)(study *s);    /* false: s->message says what failed */
} study_plan;

struct study {
    const study_plan *plan;
    const char *data, *label, *out; /* as asked for, NULL: not given */
    bool quick, quiet, help;
    keep_options keep;
    int stage; /* of those that are saved */
    int64_t steps, seed;
    double p;
    table t; /* if the plan has data */
    const char *data_name;
    uint64_t data_sum; /* of the table, if there is --checkpoint */
    char message[FOLDER_MESSAGE];
    FILE *claims, *compared, *numbers, *figures; /* parts of results.json */
    char *text[4];
    size_t size[4];
    int holds, partly, fails;
};

/* main() of such a program. */
int study_main(int argc, char **argv, const study_plan *plan);

/* An objective of one thread: studies run side by side. */
dopt_status study_create_data(dopt_cmat x, dopt_cmat y, const dopt_loss *loss, dopt_objective **out);

/* The mean of |error|^p on the study's table. False: s->message says why. Both are to be destroyed, also on failure. */
bool study_objective(study *s, double p, dopt_loss **loss, dopt_objective **objective);

/* Whether the data is the one that the paper used, 2,565 measurements of 128 features. */
bool study_on_paper_data(const study *s);

typedef enum verdict { HOLDS, PARTLY, FAILS } verdict;

/* HOLDS if both are true, PARTLY if one is. */
verdict verdict_of(bool one, bool other);

/* A claim of the paper, what became of it, and the numbers that say so. */
void study_claim(study *s, verdict v, const char *claim, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A number of the paper beside ours. */
void study_compare(study *s, const char *what, double published, double ours);

/* A number of our own. */
void study_number(study *s, const char *what, double value);

/* The file of the next stage of a study that is saved: FILE-1, FILE-2, ... True: it is there, and to be resumed. */
enum { STUDY_PATH = 4096 };
bool study_stage(study *s, char path[STUDY_PATH]);

/* Record a failure; always false. */
bool study_fail(study *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, with the library's message. */
bool study_fail_library(study *s);

#endif
