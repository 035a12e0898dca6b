/* SPDX-License-Identifier: MIT */
/*
 * The main job: a million full-batch steps of l_4 regression on the Ethanol data (or, without DEPTHOPT_DATA, on the
 * simulated sensors) at depths 1, 2 and 3, next to a million reads of X and to PyTorch, extrapolated.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/depthopt.h>

#include "../examples/support/sensors.h"
#include "../examples/support/standardise.h"
#include "../examples/support/table.h"
#include "support/matrices.h"
#include "support/reading.h"
#include "support/report.h"
#include "support/timing.h"

static const double million = 1e6;
static const char *const depth_names[] = { "1", "2", "3" };

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "job: %s\n", what);
    exit(EXIT_FAILURE);
}

static table load(void)
{
    char path[1024], message[TABLE_MESSAGE] = "out of memory";
    const char *folder = getenv("DEPTHOPT_DATA");
    table t = { 0 };
    bool dropped[1024] = { false };
    (void)snprintf(path, sizeof path, "%s/gas/ethanol.dat.gz", folder ? folder : "");
    require(folder ? table_read(path, NULL, NULL, &t, message) : sensors_simulate(2018, &t), message);
    require(t.cols <= 1024 && standardise(&t, dropped) >= 0, "the data cannot be standardised");
    (void)printf("%s, %td x %td\n", folder ? "Ethanol" : "simulated sensors", t.rows, t.cols);
    return t;
}

/* The gradient at the start against the definition. */
static void check(const table *t, dopt_objective *objective)
{
    double *w = numbers_new((size_t)t->cols), *got = numbers_new((size_t)t->cols), *want = numbers_new((size_t)t->cols);
    double value;
    numbers_normal(w, (size_t)t->cols, 1, 0.1);
    for (ptrdiff_t i = 0; i < t->rows; i++) {
        double r = -t->y[i];
        for (ptrdiff_t c = 0; c < t->cols; c++)
            r += t->x[i * t->cols + c] * w[c];
        for (ptrdiff_t c = 0; c < t->cols; c++)
            want[c] += r * r * r * t->x[i * t->cols + c] / (double)t->rows;
    }
    require(dopt_objective_eval(objective, dopt_cmat_f64(w, 1, t->cols), NULL, &value, dopt_mat_f64(got, 1, t->cols)) ==
                DOPT_OK,
            dopt_last_error());
    bench_check("gradient against the definition", relative_distance(got, want, (size_t)t->cols), 1e-11);
    free(w);
    free(got);
    free(want);
}

/* Seconds of a million steps, from so many. */
static double train(const table *t, dopt_objective *objective, int depth, int64_t steps, double *value)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    dopt_report report;
    double *w = numbers_new((size_t)t->cols);
    o.model = depth == 1 ? DOPT_MODEL_DIRECT : DOPT_MODEL_E2E;
    o.depth = depth == 1 ? 2.0 : depth;
    o.width = 1;
    o.init = DOPT_INIT_NORMAL;
    o.lr = depth == 1 ? 1e-3 : 1e-4;
    o.max_steps = steps;
    require(dopt_fit(objective, &o, dopt_mat_f64(w, 1, t->cols), &report) == DOPT_OK, dopt_last_error());
    require(report.steps == steps, "the run ended early");
    *value = report.value;
    free(w);
    return report.seconds * million / (double)steps;
}

static double million_reads(const table *t, double seconds)
{
    reading r = { t->x, (size_t)(t->rows * t->cols) / 8, 0.0 };
    const contender read = { read_once, &r };
    timing found;
    race(1, &read, seconds, &found);
    return million * found.seconds;
}

static void print_line(FILE *csv, const bench_options *options, const table *t, dopt_objective *objective, int depth)
{
    const int64_t steps = options->quick ? 20000 : 1000000;
    const double read = million_reads(t, options->seconds);
    double value, torch[4] = { NAN, NAN, NAN, NAN };
    char arguments[128];
    const double ours = train(t, objective, depth, steps, &value);
    (void)snprintf(arguments, sizeof arguments, "%td %td 4 %d 1 %d %d", t->rows, t->cols, depth, options->threads,
                   options->quick ? 200 : 2000);
    if (!bench_peer("train_torch.py", arguments, 4, torch))
        torch[1] = torch[3] = NAN;
    (void)printf("%5d %9lld %12.6g %12.1f %12.1f %8.2f %14.1f %14.1f\n", depth, (long long)steps, value, ours, read,
                 ours / read, million * torch[3], million * torch[1]);
    (void)fprintf(csv, "%d,%lld,%.9g,%.6g,%.6g,%.6g,%.6g\n", depth, (long long)steps, value, ours, read,
                  million * torch[3], million * torch[1]);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    const bench_options options = bench_begin(argc, argv, "A million steps of l_4 regression at depths 1, 2 and 3.");
    FILE *csv = bench_table(&options, "job.csv", "depth,steps,value,ours,read,torch_by_hand,torch_network");
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    data.threads = options.threads;
    bench_machine(stdout, &options);
    table t = load();
    double *x = numbers_new((size_t)(t.rows * t.cols)); /* on cache lines */
    memcpy(x, t.x, (size_t)(t.rows * t.cols) * sizeof *x);
    free(t.x);
    t.x = x;
    require(dopt_loss_create_lp(4.0, NULL, &loss) == DOPT_OK &&
                dopt_objective_create_data(dopt_cmat_f64(t.x, t.rows, t.cols), dopt_cmat_f64(t.y, t.rows, 1), loss,
                                           &data, &objective) == DOPT_OK,
            dopt_last_error());
    check(&t, objective);
    (void)printf("seconds for a million steps\n%5s %9s %12s %12s %12s %8s %14s %14s\n", "depth", "steps", "value",
                 "ours", "reads of X", "/read", "torch by hand", "torch network");
    for (int depth = 1; depth <= 3; depth++)
        if (bench_wants(&options, depth_names[depth - 1]))
            print_line(csv, &options, &t, objective, depth);
    (void)fclose(csv);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    table_free(&t);
    return 0;
}
