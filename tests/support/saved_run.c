/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "support/saved_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const kind plain = { DOPT_MODEL_E2E, DOPT_OPTIM_ADAM, { DOPT_SCHEDULE_COSINE, 0, 50, 0.1 }, DOPT_F64, 7, 3 };

static int digit(int *rest, int base)
{
    const int d = *rest % base;
    *rest /= base;
    return d;
}

kind kind_of(int index)
{
    int rest = index;
    kind k = { .model = (dopt_model)digit(&rest, models), .optimizer = (dopt_optim_kind)digit(&rest, optimizers) };
    static const dopt_schedule all[schedules] = { { DOPT_SCHEDULE_CONSTANT, 0, 0, 0.0 },
                                                  { DOPT_SCHEDULE_STEP, 0, 30, 0.7 },
                                                  { DOPT_SCHEDULE_EXPONENTIAL, 90, 50, 0.5 },
                                                  { DOPT_SCHEDULE_COSINE, 10, 150, 0.1 },
                                                  { DOPT_SCHEDULE_INVERSE_TIME, 0, 40, 0.3 } };
    k.schedule = all[digit(&rest, schedules)];
    k.dtype = (dopt_dtype)digit(&rest, 2);
    k.batch_size = digit(&rest, 2) ? 7 : 0;
    k.outputs = digit(&rest, 2) ? outputs_most : 1;
    return k;
}

dopt_fit_options options_of(const kind *k)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = k->model;
    o.depth = k->model == DOPT_MODEL_E2E ? 2.5 : 3.0;
    o.optimizer = k->optimizer;
    o.schedule = k->schedule;
    o.batch_size = k->batch_size;
    o.lr = k->optimizer == DOPT_OPTIM_ADADELTA ? 0.5 : 0.01;
    o.init = DOPT_INIT_NORMAL;
    o.init_std = 0.5;
    o.seed = UINT64_MAX - 5;
    o.max_steps = steps_all;
    return o;
}

void begin(run *r, const kind *k, int threads, const dopt_fit_options *options)
{
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_rng rng = dopt_rng_init(11, 0);
    const ptrdiff_t n = k->outputs;
    const bool wide = k->dtype == DOPT_F64;
    const dopt_mat x = wide ? dopt_mat_f64(r->x, examples, inputs) : dopt_mat_f32(r->x32, examples, inputs);
    const dopt_mat y = wide ? dopt_mat_f64(r->y, examples, n) : dopt_mat_f32(r->y32, examples, n);
    const dopt_mat w = { wide ? (void *)r->w : (void *)r->w32, n, inputs, 1, n, k->dtype };
    r->trainer = NULL;
    test_fill(&rng, x);
    test_fill(&rng, y);
    data.threads = threads;
    ASSERT_OK(dopt_loss_create_huber(1.0, NULL, &r->loss));
    ASSERT_OK(dopt_objective_create_data(dopt_const(x), dopt_const(y), r->loss, &data, &r->objective));
    ASSERT_OK(dopt_trainer_create(r->objective, options, w, &r->trainer));
}

void end(run *r)
{
    dopt_trainer_destroy(&r->trainer);
    dopt_objective_destroy(&r->objective);
    dopt_loss_destroy(&r->loss);
}

void take(run *r, int steps)
{
    for (int i = 0; i < steps; i++)
        ASSERT_OK(dopt_trainer_step(r->trainer, NULL));
}

int to_memory(const void *data, size_t size, void *user)
{
    memory *m = user;
    if (size > sizeof m->bytes - m->size)
        return 1;
    memcpy(m->bytes + m->size, data, size);
    m->size += size;
    return 0;
}

ptrdiff_t from_memory(void *data, size_t size, void *user)
{
    memory *m = user;
    size_t some = m->size - m->at < size ? m->size - m->at : size;
    some = m->piece > 0 && m->piece < some ? m->piece : some;
    memcpy(data, m->bytes + m->at, some);
    m->at += some;
    return (ptrdiff_t)some;
}

void save_to_memory(run *r, memory *m)
{
    r->trainer->report.seconds = 0.0;
    m->size = m->at = m->piece = 0;
    ASSERT_OK(dopt_trainer_save_to(r->trainer, to_memory, m));
}

dopt_status load_from_memory(run *r, memory *m)
{
    m->at = 0;
    return dopt_trainer_load_from(r->trainer, from_memory, m);
}

void assert_memory_same(const memory *a, const memory *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->bytes, b->bytes, a->size);
}

char folder[FOLDER_MAX];

int make_folder(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    const int length = snprintf(folder, sizeof folder, "%s/depthopt-checkpoint-XXXXXX", parent ? parent : "/tmp");
    return length < (int)sizeof folder && mkdtemp(folder) ? 0 : -1;
}

int remove_folder(void **state)
{
    char command[FOLDER_MAX + 16];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

const char *file_in(const char *in, const char *name, int index)
{
    static char path[2][FOLDER_MAX + 64];
    static int turn;
    turn = 1 - turn;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s%d", in, name, index);
    return path[turn];
}

void assert_file_is(const char *path, const memory *want)
{
    static unsigned char bytes[sizeof want->bytes];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    (void)fclose(f);
    assert_int_equal(size, want->size);
    assert_memory_equal(bytes, want->bytes, size);
}
