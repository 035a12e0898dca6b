/* SPDX-License-Identifier: MIT */
/*
 * Does depth accelerate l_4 regression? The task that a program in each language of bindings/ repeats.
 *
 * usage: l4_comparison [FILE]      FILE: a table such as lp_regression reads; default: a simulated one
 */
#include <stdio.h>
#include <stdlib.h>

#include <depthopt/depthopt.h>

#include "support/standardise.h"
#include "support/streams.h"
#include "support/table.h"

enum { rows = 500, cols = 10, draws = cols + 2 };

/* Features share their first draw; the target is a difference of two of them, and noise. */
static bool simulate(table *t)
{
    static double z[rows][draws];
    dopt_rng rng = dopt_rng_init(2018, 0);
    t->rows = rows;
    t->cols = cols;
    t->x = calloc((size_t)rows * cols, sizeof *t->x);
    t->y = calloc(rows, sizeof *t->y);
    if (!t->x || !t->y || dopt_rng_fill_normal(&rng, dopt_mat_f64(&z[0][0], rows, draws), 1.0) != DOPT_OK)
        return false;
    for (ptrdiff_t i = 0; i < rows; i++) {
        for (int c = 0; c < cols; c++)
            t->x[i * cols + c] = z[i][0] + z[i][c + 1];
        t->y[i] = t->x[i * cols] - 2.0 * t->x[i * cols + 1] + 0.1 * z[i][draws - 1];
    }
    return true;
}

static dopt_status train(dopt_objective *objective, int depth, double *loss)
{
    dopt_report report;
    dopt_fit_options options = DOPT_FIT_OPTIONS_INIT;
    double *w = calloc((size_t)dopt_objective_cols(objective), sizeof *w);
    options.model = depth == 1 ? DOPT_MODEL_DIRECT : DOPT_MODEL_E2E;
    options.depth = depth == 1 ? 2 : depth; /* gradient descent starts where depth 2 does */
    options.init = DOPT_INIT_NORMAL;
    options.init_std = 0.3;
    options.width = 1;
    options.seed = 1;
    options.lr = 1e-3;
    options.max_steps = 2000;
    const dopt_status status =
        w ? dopt_fit(objective, &options, dopt_mat_f64(w, 1, dopt_objective_cols(objective)), &report) : DOPT_ERR_NOMEM;
    if (status == DOPT_OK)
        *loss = report.value;
    free(w);
    return status;
}

static dopt_status compare(const table *t)
{
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_loss_options mean = DOPT_LOSS_OPTIONS_INIT;
    mean.weight = 1.0; /* the plain mean of |error|^4, without 1/4 */
    dopt_status status = dopt_loss_create_lp(4.0, &mean, &loss);
    if (status == DOPT_OK)
        status = dopt_objective_create_data(dopt_cmat_f64(t->x, t->rows, t->cols), dopt_cmat_f64(t->y, t->rows, 1),
                                            loss, NULL, &objective);
    for (int depth = 1; depth <= 3 && status == DOPT_OK; depth++) {
        double value = 0.0;
        status = train(objective, depth, &value);
        if (status == DOPT_OK)
            printf("depth %d: %.15e\n", depth, value);
    }
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    return status;
}

int main(int argc, char **argv)
{
    table t = { 0 };
    char message[TABLE_MESSAGE] = "no memory";
    bool dropped[4096];
    streams_begin();
    if (!(argc > 1 ? table_read(argv[1], NULL, NULL, &t, message) : simulate(&t)) || t.cols > 4096 ||
        standardise(&t, dropped) < 0) {
        (void)fprintf(stderr, "l4_comparison: %s\n", message);
        table_free(&t);
        return 1;
    }
    const dopt_status status = compare(&t);
    if (status != DOPT_OK)
        (void)fprintf(stderr, "l4_comparison: %s\n", dopt_last_error());
    table_free(&t);
    return streams_end("l4_comparison", status == DOPT_OK ? 0 : 1);
}
