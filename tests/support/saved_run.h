/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_TESTS_SAVED_RUN_H
#define DEPTHOPT_TESTS_SAVED_RUN_H

/* Small training runs of every kind, and their checkpoints in memory and on disk. */

#include <stdbool.h>

#include "fit/trainer_state.h"
#include "support/support.h"

enum { examples = 40, inputs = 6, outputs_most = 3, steps_saved = 77, steps_all = 200 };

/* A run on data of its own. */
typedef struct run {
    double x[examples * inputs], y[examples * outputs_most], w[outputs_most * inputs];
    float x32[examples * inputs], y32[examples * outputs_most], w32[outputs_most * inputs];
    dopt_loss *loss;
    dopt_objective *objective;
    dopt_trainer *trainer;
} run;

/* Of the kinds of runs, one. */
typedef struct kind {
    dopt_model model;
    dopt_optim_kind optimizer;
    dopt_schedule schedule;
    dopt_dtype dtype;
    ptrdiff_t batch_size, outputs;
} kind;

enum { models = 3, optimizers = 8, schedules = 5, kind_count = models * optimizers * schedules * 2 * 2 * 2 };

/* Kind number `index` of kind_count, and the options for it. */
kind kind_of(int index);
dopt_fit_options options_of(const kind *k);
extern const kind plain;

/* w by columns, so that a layout other than the file's is in use if there are several rows. */
void begin(run *r, const kind *k, int threads, const dopt_fit_options *options);
void end(run *r);
void take(run *r, int steps);

/* A checkpoint in memory. */
typedef struct memory {
    unsigned char bytes[1 << 16];
    size_t size, at, piece; /* piece: what one read gives at most */
} memory;

int to_memory(const void *data, size_t size, void *user);
ptrdiff_t from_memory(void *data, size_t size, void *user);

/* All that a run is, but for the time that it took. */
void save_to_memory(run *r, memory *m);
dopt_status load_from_memory(run *r, memory *m);
void assert_memory_same(const memory *a, const memory *b);

/* A folder for each test, for set-up and tear-down, and a file in it. The last two paths stay valid. */
enum { FOLDER_MAX = 256 };
extern char folder[FOLDER_MAX];
int make_folder(void **state);
int remove_folder(void **state);
const char *file_in(const char *in, const char *name, int index);
void assert_file_is(const char *path, const memory *want);

#endif
