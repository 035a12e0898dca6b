/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "progress.h"

/* The learning rates that --lr auto tries: three to a decade. */
static const double grid[] = { 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0 };

enum { grid_size = sizeof grid / sizeof *grid };

typedef struct recorder {
    run *r;
    const job *j;
    dopt_objective *objective;
    progress *shown;
    bool failed;
} recorder;

/* Every so many steps, and at the twentieths that the table shows. With batches, the loss of all data is evaluated. */
static int on_step(const dopt_event *event, void *user)
{
    recorder *rec = user;
    const int64_t twentieth = rec->j->steps < 20 ? 1 : rec->j->steps / 20;
    if (event->step % 64 == 0)
        progress_show(rec->shown, (double)event->step / (double)rec->j->steps);
    if (event->step % rec->j->every != 0 && event->step % twentieth != 0 && event->step != rec->j->steps)
        return 0;
    double loss = event->value;
    if (rec->objective && dopt_objective_eval(rec->objective, event->w, NULL, &loss, dopt_mat_none()) != DOPT_OK)
        return 0; /* the run is about to diverge */
    rec->failed = !curve_add(&rec->r->loss, (double)event->step, loss);
    return rec->failed;
}

static dopt_fit_options options_of(const run *r, const job *j)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = r->how->model;
    o.optimizer = r->how->optimizer;
    /* At depth 1, depth only says how the first weights are drawn: as for the network of depth 2. */
    o.depth = r->how->model == DOPT_MODEL_DIRECT ? 2.0 : r->depth;
    o.width = (ptrdiff_t)j->width;
    o.init = j->init;
    o.init_std = j->init_std;
    o.lr = r->lr;
    o.batch_size = (ptrdiff_t)j->batch;
    o.seed = (uint64_t)j->seed;
    o.max_steps = j->steps;
    return o;
}

static dopt_status search(run *r, const job *j, dopt_objective *objective, dopt_mat w)
{
    dopt_fit_options o = options_of(r, j);
    int best = 0;
    const dopt_status status = dopt_lr_search(objective, &o, dopt_const(w), grid_size, grid, 0, NULL, &best);
    r->lr = grid[best];
    r->searched = true;
    return status;
}

static dopt_status train(run *r, const job *j, dopt_objective *objective, dopt_mat w, progress *shown)
{
    dopt_objective *whole = NULL;
    dopt_report report;
    recorder rec = { r, j, NULL, shown, false };
    dopt_fit_options o = options_of(r, j);
    o.callback = on_step;
    o.user = &rec;
    dopt_status status = DOPT_OK;
    if (j->batch > 0 && j->batch < dopt_objective_examples(objective))
        status = dopt_objective_clone(objective, &whole);
    rec.objective = whole;
    if (status == DOPT_OK)
        status = dopt_fit(objective, &o, w, &report);
    dopt_objective_destroy(&whole);
    if (status == DOPT_OK && rec.failed)
        status = DOPT_ERR_NOMEM;
    if (status == DOPT_OK) {
        r->seconds = report.seconds;
        r->steps = report.steps;
        r->diverged = report.reason == DOPT_STOP_DIVERGED;
    }
    return status;
}

bool run_train(run *r, const job *j, const method *how, double depth, dopt_objective *objective, char message[256])
{
    const ptrdiff_t d = dopt_objective_cols(objective);
    const run fresh = { .how = how, .depth = depth, .lr = j->lr };
    char label[64];
    *r = fresh;
    double *weights = calloc((size_t)d, sizeof *weights);
    if (!weights) {
        (void)snprintf(message, 256, "out of memory");
        return false;
    }
    const dopt_mat w = dopt_mat_f64(weights, 1, d);
    (void)snprintf(label, sizeof label, "%s, depth %g", how->name, depth);
    progress shown = progress_begin(label, j->quiet);
    dopt_status status = DOPT_OK;
    if (r->lr == 0.0) {
        progress_note(&shown, "learning rate ...");
        status = search(r, j, objective, w);
    }
    if (status == DOPT_OK)
        status = train(r, j, objective, w, &shown);
    progress_end(&shown);
    free(weights);
    if (status != DOPT_OK)
        (void)snprintf(message, 256, "%s: %.160s", label, dopt_last_error());
    return status == DOPT_OK;
}

void run_free(run *r)
{
    curve_free(&r->loss);
}

double run_loss_at(const run *r, int64_t step)
{
    return step > r->steps ? NAN : curve_at(&r->loss, (double)step);
}
