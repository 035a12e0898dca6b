/* SPDX-License-Identifier: MIT */
/*
 * The basis that a handle keeps, along training runs: how often it is found anew, and what it costs in accuracy.
 *
 * The run: multi-output regression of Y = X T^T + noise, X with a covariance that falls over two decades, by full-batch
 * steps of the exact end-to-end rule at depth 3 from small random factors. At every step the handles under test
 * are given the same W and dL/dW, and their P is compared with the exact one.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <depthopt/depthopt.h>

#include "support/matrices.h"
#include "support/report.h"

enum { tolerances = 4 };

static const double tolerance_of[tolerances] = { 1e-1, 3e-2, 1e-2, 1e-3 };

typedef struct run {
    ptrdiff_t k, d, m;
    int steps;
    double lr, *x, *y, *w, *grad, *exact, *kept;
} run;

static run run_new(ptrdiff_t k, ptrdiff_t d, int steps, double lr)
{
    const ptrdiff_t m = 4 * d;
    run r = { k,
              d,
              m,
              steps,
              lr,
              numbers_new((size_t)(m * d)),
              numbers_new((size_t)(m * k)),
              numbers_new((size_t)(k * d)),
              numbers_new((size_t)(k * d)),
              numbers_new((size_t)(k * d)),
              numbers_new((size_t)(k * d)) };
    double *target = numbers_new((size_t)(k * d));
    numbers_normal(r.x, (size_t)(m * d), 11, 1.0);
    numbers_normal(r.y, (size_t)(m * k), 12, 0.1);
    numbers_normal(target, (size_t)(k * d), 13, 1.0 / sqrt((double)d));
    for (ptrdiff_t i = 0; i < m * d; i++)
        r.x[i] *= pow(10.0, -(double)(i % d) / (double)(d - 1));
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t o = 0; o < k; o++)
            for (ptrdiff_t c = 0; c < d; c++)
                r.y[i * k + o] += target[o * d + c] * r.x[i * d + c];
    free(target);
    return r;
}

static void run_free(run *r)
{
    double *const all[] = { r->x, r->y, r->w, r->grad, r->exact, r->kept };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

static void start(const run *r)
{
    const ptrdiff_t n = r->k < r->d ? r->k : r->d, dims[] = { r->d, n, n, r->k };
    dopt_net *net = NULL;
    dopt_rng rng = dopt_rng_init(4, 0);
    check_status(dopt_net_create(DOPT_F64, 3, dims, NULL, &net));
    check_status(dopt_net_init_normal(net, &rng, 0.5 / sqrt((double)n)));
    check_status(dopt_net_product(net, dopt_mat_f64(r->w, r->k, r->d)));
    dopt_net_destroy(&net);
}

typedef struct outcome {
    double worst, sum;
    long long refreshes;
} outcome;

static void follow(run *r, FILE *csv, outcome *outcomes)
{
    const dopt_mat w = dopt_mat_f64(r->w, r->k, r->d);
    const dopt_cmat grad = dopt_cmat_f64(r->grad, r->k, r->d);
    const size_t count = (size_t)(r->k * r->d);
    dopt_e2e *exact = NULL, *kept[tolerances] = { NULL };
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    check_status(dopt_loss_create_squared(NULL, &loss));
    check_status(dopt_objective_create_data(dopt_cmat_f64(r->x, r->m, r->d), dopt_cmat_f64(r->y, r->m, r->k), loss,
                                            NULL, &objective));
    check_status(dopt_e2e_create(r->k, r->d, 3.0, NULL, &exact));
    for (int i = 0; i < tolerances; i++) {
        dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
        options.refresh_tolerance = tolerance_of[i];
        check_status(dopt_e2e_create(r->k, r->d, 3.0, &options, &kept[i]));
        outcomes[i].worst = outcomes[i].sum = 0.0;
    }
    start(r);
    for (int step = 0; step < r->steps; step++) {
        double value;
        check_status(dopt_objective_eval(objective, dopt_const(w), NULL, &value, dopt_mat_f64(r->grad, r->k, r->d)));
        check_status(dopt_e2e_apply(exact, dopt_const(w), grad, dopt_mat_f64(r->exact, r->k, r->d)));
        (void)fprintf(csv, "%td,%td,%g,%d,%.6g", r->k, r->d, r->lr, step, value);
        for (int i = 0; i < tolerances; i++) {
            check_status(dopt_e2e_apply(kept[i], dopt_const(w), grad, dopt_mat_f64(r->kept, r->k, r->d)));
            const double error = relative_distance(r->kept, r->exact, count);
            outcomes[i].worst = fmax(outcomes[i].worst, error);
            outcomes[i].sum += error;
            outcomes[i].refreshes = (long long)dopt_e2e_refreshes(kept[i]);
            (void)fprintf(csv, ",%.4g,%lld", error, outcomes[i].refreshes);
        }
        (void)fprintf(csv, "\n");
        for (size_t i = 0; i < count; i++)
            r->w[i] -= r->lr * r->exact[i];
    }
    dopt_e2e_destroy(&exact);
    for (int i = 0; i < tolerances; i++)
        dopt_e2e_destroy(&kept[i]);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
}

static void draw(const bench_options *options)
{
    FILE *script = bench_open(options, "e2e_kept.gp");
    (void)fprintf(
        script,
        "# gnuplot e2e_kept.gp\nset terminal svg size 800,560 dynamic background rgb 'white'\n"
        "set output 'e2e_kept.svg'\nset datafile separator ','\nset logscale y\nset grid\n"
        "set key bottom right\nset xlabel 'step'\nset ylabel 'relative error of P'\n"
        "set title 'a kept basis along a training run, 64 x 64, depth 3'\n"
        "e(i) = column(1) == 64 && column(2) == 64 && column(3) < 0.1 && column(i) > 0 ? column(i) : NaN\nplot ");
    for (int i = 0; i < tolerances; i++)
        (void)fprintf(script,
                      "%s'e2e_kept.csv' every 5 using 4:(e(%d)) with lines lc %d title 'tolerance %g', \\\n"
                      "     %g with lines dashtype 3 lc %d notitle%s",
                      i ? "     " : "", 6 + 2 * i, i + 1, tolerance_of[i], 2.0 * tolerance_of[i], i + 1,
                      i + 1 < tolerances ? ", \\\n" : "\n");
    (void)fclose(script);
    bench_plot(options, "e2e_kept.gp");
}

int main(int argc, char **argv)
{
    static const struct {
        ptrdiff_t k, d;
        double lr;
    } runs[] = { { 64, 64, 0.02 }, { 64, 64, 0.2 }, { 16, 64, 0.02 }, { 128, 40, 0.02 } };
    const bench_options options =
        bench_begin(argc, argv, "A kept basis along training runs: decompositions, and the error of P.");
    FILE *csv = bench_open(&options, "e2e_kept.csv");
    bench_machine(csv, &options);
    (void)fprintf(csv, "rows,cols,lr,step,value");
    for (int i = 0; i < tolerances; i++)
        (void)fprintf(csv, ",error_%g,refreshes_%g", tolerance_of[i], tolerance_of[i]);
    (void)fprintf(csv, "\n");
    (void)printf("%12s %6s %10s %8s %14s %12s %12s\n", "shape", "lr", "tolerance", "steps", "decompositions",
                 "worst error", "mean error");
    for (size_t s = 0; s < sizeof runs / sizeof *runs; s++) {
        run r = run_new(runs[s].k, runs[s].d, options.quick ? 300 : 2000, runs[s].lr);
        outcome outcomes[tolerances];
        follow(&r, csv, outcomes);
        for (int i = 0; i < tolerances; i++)
            (void)printf("%5td x %-4td %6g %10g %8d %14lld %12.2e %12.2e%s\n", r.k, r.d, r.lr, tolerance_of[i], r.steps,
                         outcomes[i].refreshes, outcomes[i].worst, outcomes[i].sum / r.steps,
                         outcomes[i].worst > 2.0 * tolerance_of[i] ? "  over 2 x tolerance" : "");
        run_free(&r);
    }
    (void)fclose(csv);
    draw(&options);
    return 0;
}
