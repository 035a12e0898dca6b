/* SPDX-License-Identifier: MIT */
/*
 * The candidates are handed out one by one to as many workers as there are threads, the largest rates first, as they
 * are the ones that may end early. Each run depends on its candidate alone, on one thread, and the choice is made when
 * all are done, so the answer does not depend on the threads.
 */
#include <depthopt/lr_search.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include <depthopt/fit.h>

#include "base/check.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "fit/options.h"
#include "fit/start.h"
#include "linalg/scan.h"
#include "objective/clone.h"

enum { threads_max = 256, text_max = 256 };

typedef struct trial {
    dopt_lr_trial result;
    dopt_status status;
    char error[text_max]; /* the last error of the thread that ran it */
} trial;

/* A run whose value has grown by this factor is not coming back. */
static const double hopeless = 1e6;

/* What is watched of a run. */
typedef struct watch {
    dopt_callback callback; /* the caller's */
    void *user;
    dopt_objective *batches; /* NULL: a step sees all data */
    double limit;
    bool diverged;
} watch;

typedef struct search {
    const dopt_objective *objective;
    const dopt_fit_options *options;
    dopt_cmat w0;
    const double *grid;
    trial *trials;
    int *order; /* of the candidates */
    int count;
    atomic_int next;
} search;

/* Of all data: the value of the first batch may be next to nothing. */
static double value_at_start(const watch *w, const dopt_event *event)
{
    double value = event->value;
    if (w->batches && dopt_objective_eval(w->batches, event->w, NULL, &value, dopt_mat_none()) != DOPT_OK)
        return INFINITY;
    return value;
}

static int watch_value(const dopt_event *event, void *user)
{
    watch *w = user;
    if (event->step == 0)
        w->limit = hopeless * fabs(value_at_start(w, event));
    w->diverged = event->value > w->limit && w->limit > 0.0;
    return w->diverged || (w->callback && w->callback(event, w->user) != 0);
}

static dopt_status run_on(const search *s, dopt_objective *objective, dopt_mat w, dopt_lr_trial *result)
{
    dopt_fit_options options = *s->options;
    dopt_report report;
    watch watched = { options.callback, options.user, options.batch_size > 0 ? objective : NULL, INFINITY, false };
    options.lr = result->lr;
    options.logger.fn = NULL; /* told by the search itself, in the thread that called it */
    options.callback = watch_value;
    options.user = &watched;
    dopt__copy(1.0, s->w0, w);
    DOPT_TRY(dopt_fit(objective, &options, w, &report));
    result->reason = watched.diverged ? DOPT_STOP_DIVERGED : report.reason;
    result->steps = report.steps;
    result->value = INFINITY;
    if (result->reason == DOPT_STOP_DIVERGED)
        return DOPT_OK;
    const dopt_status status = dopt_objective_eval(objective, dopt_const(w), NULL, &result->value, dopt_mat_none());
    return status == DOPT_ERR_NONFINITE ? DOPT_OK : status; /* of all data, not only of a batch: diverged after all */
}

static dopt_status run(const search *s, dopt_lr_trial *result)
{
    const dopt_allocator *allocator = &s->options->allocator;
    dopt_mat w = { NULL, s->w0.rows, s->w0.cols, s->w0.cols, 1, s->w0.dtype };
    dopt_objective *clone = NULL;
    w.data =
        dopt__alloc(allocator, (size_t)w.rows * (size_t)w.cols, w.dtype == DOPT_F64 ? sizeof(double) : sizeof(float));
    if (!w.data)
        return dopt__fail(DOPT_ERR_NOMEM, "dopt_lr_search", "no memory for %td x %td weights", w.rows, w.cols);
    dopt_status status = dopt__objective_clone_on(s->objective, 1, &clone);
    if (status == DOPT_OK)
        status = run_on(s, clone, w, result);
    dopt_objective_destroy(&clone);
    dopt__release(allocator, w.data);
    return status;
}

static void *work(void *argument)
{
    search *s = argument;
    for (int next; (next = atomic_fetch_add(&s->next, 1)) < s->count;) {
        const int i = s->order[next];
        trial *t = &s->trials[i];
        t->result.lr = s->grid[i];
        t->status = run(s, &t->result);
        if (t->status != DOPT_OK)
            (void)snprintf(t->error, sizeof t->error, "%s", dopt_last_error());
    }
    return NULL;
}

/* The calling thread works too; a thread that cannot be started is done without. */
static void work_side_by_side(search *s, int threads)
{
    pthread_t helpers[threads_max];
    int started = 0;
    while (started + 1 < threads && started + 1 < s->count && pthread_create(&helpers[started], NULL, work, s) == 0)
        started++;
    (void)work(s);
    for (int i = 0; i < started; i++)
        (void)pthread_join(helpers[i], NULL);
}

/* Insertion: grids are short, and mostly in order. */
static void sort_by_rate(const search *s)
{
    for (int i = 0; i < s->count; i++) {
        int at = i;
        for (; at > 0 && s->grid[s->order[at - 1]] < s->grid[i]; at--)
            s->order[at] = s->order[at - 1];
        s->order[at] = i;
    }
}

static dopt_status choose(const char *func, const search *s, dopt_lr_trial *trials, int *best)
{
    int winner = -1;
    for (int i = 0; i < s->count; i++) {
        const trial *t = &s->trials[i];
        if (t->status != DOPT_OK)
            return dopt__fail(t->status, func, "the run with lr %g failed: %s", s->grid[i], t->error);
        const double value = t->result.value, least = winner < 0 ? INFINITY : s->trials[winner].result.value;
        if (value < least || (winner >= 0 && value == least && s->grid[i] < s->grid[winner]))
            winner = i;
    }
    if (winner < 0)
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "all %d learning rates diverged, the grid needs smaller ones",
                          s->count);
    for (int i = 0; i < s->count && trials; i++)
        trials[i] = s->trials[i].result;
    *best = winner;
    return DOPT_OK;
}

dopt_status dopt_lr_search(dopt_objective *objective, const dopt_fit_options *options, dopt_cmat w0, int count,
                           const double *grid, int threads, dopt_lr_trial *trials, int *best)
{
    DOPT_REQUIRE(objective, DOPT_ERR_INVALID, "objective is NULL, must be a handle");
    DOPT_REQUIRE(best, DOPT_ERR_INVALID, "best is NULL, must point to an index");
    DOPT_REQUIRE(count >= 1, DOPT_ERR_INVALID, "count is %d, must be >= 1", count);
    DOPT_REQUIRE(grid, DOPT_ERR_INVALID, "grid is NULL, must point to %d learning rates", count);
    DOPT_REQUIRE(threads >= 0 && threads <= threads_max, DOPT_ERR_INVALID, "threads is %d, must be in [0, %d]", threads,
                 threads_max);
    for (int i = 0; i < count; i++)
        DOPT_REQUIRE(grid[i] > 0.0 && isfinite(grid[i]), DOPT_ERR_INVALID, "grid[%d] is %g, must be in (0, inf)", i,
                     grid[i]);
    dopt_fit_options known;
    DOPT_TRY(dopt__fit_options(__func__, options, &known));
    DOPT_TRY(dopt__check_matrix(__func__, "w0", w0, dopt_objective_rows(objective), dopt_objective_cols(objective),
                                w0.dtype));
    dopt__warn_of_rest(__func__, &known, w0);
    const int processors = dopt__cpu_count(), all = processors > threads_max ? threads_max : processors;
    search s = { .objective = objective, .options = &known, .w0 = w0, .grid = grid, .count = count };
    s.trials = dopt__alloc(&known.allocator, (size_t)count, sizeof *s.trials);
    s.order = dopt__alloc(&known.allocator, (size_t)count, sizeof *s.order);
    if (!s.trials || !s.order) {
        dopt__release(&known.allocator, s.trials);
        dopt__release(&known.allocator, s.order);
        return dopt__fail(DOPT_ERR_NOMEM, __func__, "no memory for %d trials", count);
    }
    sort_by_rate(&s);
    atomic_init(&s.next, 0);
    work_side_by_side(&s, dopt_objective_is_shared(objective) ? 1 : threads == 0 ? all : threads);
    const dopt_status status = choose(__func__, &s, trials, best);
    dopt__release(&known.allocator, s.trials);
    dopt__release(&known.allocator, s.order);
    return status;
}
