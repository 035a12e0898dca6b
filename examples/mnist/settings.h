/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_SETTINGS_H
#define EXAMPLES_SETTINGS_H

/* What mnist_cnn was asked to do. */

#include <stdbool.h>
#include <stdint.h>

#include "../support/keep.h"
#include "dense.h"
#include "network.h"

typedef struct settings {
    const char *data, *out; /* NULL: not given */
    const network_spec *network;
    rule variants[RULE_COUNT];
    int variant_count;
    penalty on;
    double lr, depth, factor_stddev, refresh_tolerance;
    int64_t steps, epochs, seed, threads, record, evaluate; /* 0: the default */
    keep_options keep;
    bool quiet, help;
} settings;

extern const char *const settings_usage, *const rule_names[RULE_COUNT], *const penalty_names[PENALTY_COUNT];

/* Read the command line. False: `message` is one line that says what is wrong with which option. */
bool settings_read(int argc, char **argv, settings *out, char message[256]);

#endif
