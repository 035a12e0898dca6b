/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_TRAINING_H
#define EXAMPLES_TRAINING_H

/* Train the variants side by side, each step on the same images, and record how they fare. */

#include "dataset.h"
#include "settings.h"

enum { BATCH = 64, WINDOW = 50 };

/* At a step, before it is taken. NaN: not looked at. */
typedef struct point {
    int64_t step;
    double cross_entropy; /* of the batch */
    double mean;          /* of the cross-entropy, over this and the WINDOW - 1 steps before */
    double penalty, test_error;
} point;

typedef struct trained {
    rule how;
    network net;
    size_t count, capacity, parameters;
    point *points;
    double window[WINDOW];
    int64_t steps;
    bool diverged;
    double seconds;                            /* of the steps */
    double validation_error, test_error;       /* at the end */
    double collapsed_test_error, collapse_gap; /* after the collapse; largest difference of logits, relative */
} trained;

typedef struct training {
    const settings *s;
    const dataset *data;
    int64_t step, steps, evaluate; /* step: that comes next */
    bool interrupted;
    int count;
    trained runs[RULE_COUNT];
    char message[KEEP_MESSAGE];
} training;

/* Train, test, collapse, test again. SIGINT ends it after the present step. False: `message` says what failed. */
bool training_run(training *t, const settings *s, const dataset *data);

/* Whether it was interrupted and saved: there is nothing to report yet. */
bool training_goes_on(const training *t);

void training_free(training *t);

/* The last recorded point up to a step; NULL if there is none. */
const point *training_point(const trained *r, int64_t step);

#endif
