/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include "run.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kept_run.h"
#include "progress.h"

/* The learning rates that --lr auto tries: three to a decade. */
static const double grid[] = { 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0 };

enum { grid_size = sizeof grid / sizeof *grid };

/* All runs, and the threads that train them. */
typedef struct crew {
    run *runs;
    int count, next;
    const job *j;
    const dopt_objective *objective;
    progress shown;
    double done; /* steps, of all runs */
    char *message;
    bool failed;
    pthread_mutex_t mutex; /* of next, shown, done, message and failed, and to clone */
} crew;

typedef struct recorder {
    run *r;
    const job *j;
    dopt_objective *objective; /* of all data, if the run's is of batches */
    crew *c;
    bool failed;
} recorder;

enum { between = 64 }; /* steps between two looks at the progress */

static void show_progress(crew *c)
{
    (void)pthread_mutex_lock(&c->mutex);
    c->done += between;
    progress_show(&c->shown, c->done / ((double)c->j->steps * c->count));
    (void)pthread_mutex_unlock(&c->mutex);
}

/* With batches, the loss of all data is evaluated. */
static void record(recorder *rec, int64_t step, double value, dopt_cmat w)
{
    double loss = value;
    if (rec->objective && dopt_objective_eval(rec->objective, w, NULL, &loss, dopt_mat_none()) != DOPT_OK)
        return; /* the run is about to diverge */
    rec->failed = !curve_add(&rec->r->loss, (double)step, loss);
}

/* Every so many steps, and at the twentieths that the table shows. */
static int on_step(const dopt_event *event, void *user)
{
    recorder *rec = user;
    const int64_t twentieth = rec->j->steps < 20 ? 1 : rec->j->steps / 20;
    if (event->step % between == between - 1)
        show_progress(rec->c);
    if (event->step % rec->j->every != 0 && event->step % twentieth != 0 && event->step != rec->j->steps)
        return 0;
    record(rec, event->step, event->value, event->w);
    return rec->failed;
}

static void warn(dopt_log_level level, const char *message, void *user)
{
    const run *r = user;
    if (level == DOPT_LOG_WARNING)
        (void)fprintf(stderr, "%s, depth %g: %s\n", r->how->name, r->depth, message);
}

dopt_fit_options run_options(const run *r, const job *j)
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
    o.logger.fn = j->quiet ? NULL : warn;
    o.logger.user = (void *)(uintptr_t)r;
    return o;
}

static dopt_status search(run *r, const job *j, dopt_objective *objective, dopt_mat w)
{
    dopt_fit_options o = run_options(r, j);
    int best = 0;       /* the smallest, if all diverge */
    o.logger.fn = NULL; /* training will tell */
    const dopt_status status = dopt_lr_search(objective, &o, dopt_const(w), grid_size, grid, j->threads, NULL, &best);
    r->lr = grid[best];
    r->searched = true;
    return status;
}

run run_new(const job *j, const method *how, double depth)
{
    const run fresh = { .how = how, .depth = depth, .lr = j->lr };
    return fresh;
}

/* Training at the smallest rate shows how it ends if none serves. */
static void tell_rate(const run *r, const job *j, bool hopeless)
{
    const bool least = r->lr == grid[0], most = r->lr == grid[grid_size - 1];
    if (hopeless && !j->quiet)
        (void)fprintf(stderr, "%s, depth %g: the search gives up all rates from %g up; give --lr\n", r->how->name,
                      r->depth, r->lr);
    else if ((least || most) && !j->quiet)
        (void)fprintf(stderr, "%s, depth %g: the rate %g is the %s that --lr auto tries\n", r->how->name, r->depth,
                      r->lr, least ? "smallest" : "largest");
}

bool run_find_rate(run *r, const job *j, dopt_objective *objective, char message[256])
{
    if (r->lr > 0.0)
        return true;
    const ptrdiff_t d = dopt_objective_cols(objective);
    double *weights = calloc((size_t)d, sizeof *weights);
    if (!weights) {
        (void)snprintf(message, 256, "out of memory");
        return false;
    }
    char label[64];
    (void)snprintf(label, sizeof label, "%s, depth %g", r->how->name, r->depth);
    progress shown = progress_begin(label, j->quiet);
    progress_note(&shown, "learning rate ...");
    const dopt_status status = search(r, j, objective, dopt_mat_f64(weights, 1, d));
    progress_end(&shown);
    free(weights);
    const bool hopeless = status == DOPT_ERR_NUMERICAL;
    if (status != DOPT_OK && !hopeless) {
        (void)snprintf(message, 256, "%s: %.160s", label, dopt_last_error());
        return false;
    }
    tell_rate(r, j, hopeless);
    return true;
}

/* False: the crew has the message. */
static bool save(crew *c, const run *r, const dopt_trainer *trainer)
{
    char message[KEEP_MESSAGE];
    if (kept_run_save(r, c->j, trainer, message))
        return true;
    (void)pthread_mutex_lock(&c->mutex);
    c->failed = true;
    (void)snprintf(c->message, 256, "%.255s", message);
    (void)pthread_mutex_unlock(&c->mutex);
    return false;
}

/* To the end, or to an interrupt, with a save each so many steps. */
static dopt_status drive(crew *c, const run *r, dopt_trainer *trainer)
{
    dopt_stop_reason reason = DOPT_STOP_NONE;
    bool saved = true, stopped = false;
    while (reason == DOPT_STOP_NONE && !stopped && saved) {
        const dopt_status status = dopt_trainer_step(trainer, &reason);
        if (status != DOPT_OK)
            return status;
        stopped = c->j->keep.path && keep_interrupted();
        if (keep_due(&c->j->keep, dopt_trainer_report(trainer).steps) || (c->j->keep.path && reason != DOPT_STOP_NONE))
            saved = save(c, r, trainer);
    }
    return DOPT_OK;
}

static dopt_status train_on(crew *c, run *r, dopt_objective *objective, dopt_objective *whole, double *weights)
{
    dopt_trainer *trainer = NULL;
    recorder rec = { r, c->j, whole, c, false };
    dopt_fit_options o = run_options(r, c->j);
    o.callback = on_step;
    o.user = &rec;
    dopt_status status =
        dopt_trainer_create(objective, &o, dopt_mat_f64(weights, 1, dopt_objective_cols(objective)), &trainer);
    if (status == DOPT_OK && c->j->keep.resume)
        status = kept_run_resume(r, c->j, trainer);
    if (status == DOPT_OK)
        status = drive(c, r, trainer);
    const dopt_report report = dopt_trainer_report(trainer);
    dopt_trainer_destroy(&trainer);
    if (status != DOPT_OK)
        return status;
    const bool ended = report.reason != DOPT_STOP_NONE && report.reason != DOPT_STOP_DIVERGED;
    if (ended && !rec.failed && !(curve_end(&r->loss) >= (double)report.steps))
        record(&rec, report.steps, report.value, dopt_cmat_f64(weights, 1, dopt_objective_cols(objective)));
    r->seconds = report.seconds;
    r->steps = report.steps;
    r->diverged = report.reason == DOPT_STOP_DIVERGED;
    return rec.failed ? DOPT_ERR_NOMEM : DOPT_OK;
}

/* One run, on objectives of its own. */
static dopt_status train(crew *c, run *r)
{
    const bool batches = c->j->batch > 0 && c->j->batch < dopt_objective_examples(c->objective);
    dopt_objective *objective = NULL, *whole = NULL;
    double *weights = calloc((size_t)dopt_objective_cols(c->objective), sizeof *weights);
    (void)pthread_mutex_lock(&c->mutex); /* an objective serves one call at a time, clone too */
    dopt_status status = weights ? dopt_objective_clone(c->objective, &objective) : DOPT_ERR_NOMEM;
    if (status == DOPT_OK && batches)
        status = dopt_objective_clone(c->objective, &whole);
    (void)pthread_mutex_unlock(&c->mutex);
    if (status == DOPT_OK)
        status = train_on(c, r, objective, whole, weights);
    dopt_objective_destroy(&objective);
    dopt_objective_destroy(&whole);
    free(weights);
    return status;
}

static run *next_run(crew *c)
{
    (void)pthread_mutex_lock(&c->mutex);
    run *r = c->next < c->count && !c->failed && !keep_interrupted() ? &c->runs[c->next++] : NULL;
    (void)pthread_mutex_unlock(&c->mutex);
    return r;
}

static void *work(void *argument)
{
    crew *c = argument;
    for (run *r; (r = next_run(c));) {
        const dopt_status status = train(c, r);
        if (status == DOPT_OK)
            continue;
        (void)pthread_mutex_lock(&c->mutex);
        c->failed = true;
        (void)snprintf(c->message, 256, "%s, depth %g: %.160s", r->how->name, r->depth,
                       status == DOPT_ERR_NOMEM ? "out of memory" : dopt_last_error());
        (void)pthread_mutex_unlock(&c->mutex);
    }
    return NULL;
}

bool runs_train(run *runs, int count, const job *j, const dopt_objective *objective, char message[256])
{
    pthread_t helpers[JOB_THREADS_MAX];
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int all = processors < 1 ? 1 : processors > JOB_THREADS_MAX ? JOB_THREADS_MAX : (int)processors;
    const int threads = j->threads > 0 ? j->threads : all;
    crew c = { .runs = runs, .count = count, .j = j, .objective = objective, .message = message };
    int started = 0;
    (void)pthread_mutex_init(&c.mutex, NULL);
    c.shown = progress_begin("training", j->quiet);
    while (started + 1 < threads && started + 1 < count && pthread_create(&helpers[started], NULL, work, &c) == 0)
        started++;
    (void)work(&c);
    for (int i = 0; i < started; i++)
        (void)pthread_join(helpers[i], NULL);
    progress_end(&c.shown);
    (void)pthread_mutex_destroy(&c.mutex);
    if (!c.failed && keep_interrupted())
        (void)snprintf(message, 256, "%s", keep_goodbye);
    return !c.failed && !keep_interrupted();
}

void run_free(run *r)
{
    curve_free(&r->loss);
}

double run_loss_at(const run *r, int64_t step)
{
    return r->diverged && step > r->steps ? NAN : curve_at(&r->loss, (double)step);
}
