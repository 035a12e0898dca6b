/* SPDX-License-Identifier: MIT */
/*
 * Does depth accelerate l_p regression?
 *
 * Loads a table, standardises it, and fits the linear model y = x . w to it by several methods side by side: gradient
 * descent on w, on a product of factors, by the end-to-end rule that depth amounts to, and by well-known optimizers.
 */
#include <stdio.h>
#include <stdlib.h>

#include <depthopt/depthopt.h>

#include "support/checksum.h"
#include "support/folder.h"
#include "support/job.h"
#include "support/kept_run.h"
#include "support/optimum.h"
#include "support/results.h"
#include "support/run.h"
#include "support/sensors.h"
#include "support/standardise.h"
#include "support/streams.h"
#include "support/table.h"

/* Exit codes: 0, EXIT_DATA for files and runs, EXIT_USAGE for the command line, EXIT_INTERRUPTED. */
enum { EXIT_DATA = 1, EXIT_USAGE = 2 };

static int fail(const char *message)
{
    (void)fprintf(stderr, "lp_regression: %s\n", message);
    return EXIT_DATA;
}

static bool load(const job *j, table *t, char *message)
{
    if (j->data)
        return table_read(j->data, j->target, j->label, t, message);
    if (!sensors_simulate(2018, t))
        (void)snprintf(message, TABLE_MESSAGE, "out of memory");
    return t->x != NULL;
}

/* Standardise, and say which features are left out. -1: there is nothing to fit. */
static ptrdiff_t prepare(const job *j, table *t)
{
    const ptrdiff_t all = t->cols;
    bool *dropped = calloc((size_t)all, sizeof *dropped);
    const ptrdiff_t count = dropped ? standardise(t, dropped) : -1;
    if (count > 0 && !j->quiet) {
        (void)fprintf(stderr, "constant features, dropped:");
        for (ptrdiff_t c = 0; c < all; c++)
            if (dropped[c])
                (void)fprintf(stderr, " %td", c + 1);
        (void)fprintf(stderr, "\n");
    }
    free(dropped);
    return count;
}

static bool has_depth(const method *m)
{
    return m->model != DOPT_MODEL_DIRECT;
}

/* Every method, those with depth at every depth. Returns how many runs there are. */
static int count_runs(const job *j)
{
    int count = 0;
    for (int i = 0; i < j->method_count; i++)
        count += has_depth(j->methods[i]) ? j->depth_count : 1;
    return count;
}

/* Returns how many runs there are, or, after a failure, less than nothing. */
static int train_all(const job *j, dopt_objective *objective, run *runs, char *message)
{
    int count = 0;
    for (int i = 0; i < j->method_count; i++)
        for (int k = 0; k < (has_depth(j->methods[i]) ? j->depth_count : 1); k++) {
            const double depth = has_depth(j->methods[i]) ? j->depths[k] : 1.0;
            run *r = &runs[count++];
            *r = run_new(j, j->methods[i], depth);
            if (!kept_run_curve(r, j, message) || !run_find_rate(r, j, objective, message))
                return -count;
        }
    if (j->keep.path)
        keep_watch();
    return runs_train(runs, count, j, objective, message) ? count : -count;
}

static int report(const job *j, const table *t, ptrdiff_t dropped, const run *runs, int count)
{
    char message[512] = "";
    results r = { .j = j,
                  .data = j->data ? j->data : "simulated sensor array",
                  .rows = t->rows,
                  .cols = t->cols,
                  .dropped = dropped,
                  .runs = runs,
                  .count = count };
    if (!optimum_find(t, j->p, &r.best))
        return fail("out of memory");
    results_lower_optimum(&r);
    results_table(&r);
    if (j->out && !results_write(&r, j->out, message))
        return fail(message);
    return results_winner(&r) < 0 ? EXIT_DATA : 0;
}

static int fit_table(const job *j, const table *t, ptrdiff_t dropped)
{
    static run runs[JOB_LIST_MAX * JOB_LIST_MAX];
    char message[KEEP_MESSAGE] = "out of memory";
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_loss_options options = DOPT_LOSS_OPTIONS_INIT;
    dopt_objective_options data_options = DOPT_OBJECTIVE_OPTIONS_INIT;
    data_options.threads = count_runs(j) > 1 ? 1 : j->threads; /* several runs are side by side already */
    options.weight = 1.0;                                      /* the plain mean, without 1/p */
    const dopt_cmat x = dopt_cmat_f64(t->x, t->rows, t->cols), y = dopt_cmat_f64(t->y, t->rows, 1);
    int code = EXIT_DATA, count = 0;
    if (dopt_loss_create_lp(j->p, &options, &loss) == DOPT_OK &&
        dopt_objective_create_data(x, y, loss, &data_options, &objective) == DOPT_OK) {
        count = train_all(j, objective, runs, message);
        code = count < 0 ? fail(message) : report(j, t, dropped, runs, count);
        code = count < 0 && keep_interrupted() ? EXIT_INTERRUPTED : code;
    } else {
        (void)fail(dopt_last_error());
    }
    for (int i = 0; i < abs(count); i++)
        run_free(&runs[i]);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    return code;
}

static int regress(int argc, char **argv)
{
    char message[TABLE_MESSAGE] = "";
    job j;
    table t = { 0 };
    if (!job_read(argc, argv, 0, NULL, &j, message)) {
        (void)fail(message);
        return EXIT_USAGE;
    }
    if (j.help) {
        (void)fputs(job_usage, stdout);
        return 0;
    }
    if (!load(&j, &t, message))
        return fail(message);
    if (j.out && !folder_make(j.out, message))
        return fail(message);
    j.data_sum = j.keep.path ? checksum_table(&t, 0) : 0;
    const ptrdiff_t dropped = prepare(&j, &t);
    const int code =
        dropped < 0 ? fail("the target or every feature is constant: nothing to fit") : fit_table(&j, &t, dropped);
    table_free(&t);
    return code;
}

int main(int argc, char **argv)
{
    streams_begin();
    return streams_end("lp_regression", regress(argc, argv));
}
