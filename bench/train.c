/* SPDX-License-Identifier: MIT */
/*
 * One full-batch step of l_4 regression by each model, beside one plain read of X and PyTorch: time over rows,
 * features, depth and width; and the search for a learning rate on one and on two threads.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/depthopt.h>

#include "support/matrices.h"
#include "support/reading.h"
#include "support/report.h"
#include "support/timing.h"

typedef struct line {
    const char *series;
    ptrdiff_t rows, cols;
    int depth;
    ptrdiff_t width;
} line;

static const line lines[] = {
    { "rows", 500, 128, 3, 128 },      { "rows", 2565, 128, 3, 128 },     { "rows", 20000, 128, 3, 128 },
    { "rows", 100000, 128, 3, 128 },   { "features", 2565, 16, 3, 16 },   { "features", 2565, 64, 3, 64 },
    { "features", 2565, 128, 3, 128 }, { "features", 2565, 512, 3, 512 }, { "depth", 2565, 128, 1, 128 },
    { "depth", 2565, 128, 2, 128 },    { "depth", 2565, 128, 3, 128 },    { "depth", 2565, 128, 4, 128 },
    { "depth", 2565, 128, 8, 128 },    { "width", 2565, 128, 3, 1 },      { "width", 2565, 128, 3, 16 },
    { "width", 2565, 128, 3, 64 },     { "width", 2565, 128, 3, 128 },    { "width", 2565, 128, 3, 256 },
    { "width", 2565, 128, 3, 512 },
};

enum { models = 3, depth_most = 8 };

static const double lr = 1e-3, init_std = 0.05;

typedef struct problem {
    const line *l;
    double *x, *y, *w[models];
    dopt_loss *loss;
    dopt_objective *objective[models];
    dopt_trainer *trainer[models];
} problem;

static double *uniform(size_t count, uint64_t stream)
{
    dopt_rng rng = dopt_rng_init(31, stream);
    double *x = numbers_new(count);
    for (size_t i = 0; i < count; i++)
        x[i] = 2.0 * dopt_rng_uniform(&rng) - 1.0;
    return x;
}

static dopt_fit_options options_of(const line *l, int model)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = (dopt_model)model;
    o.depth = l->depth;
    o.width = l->width;
    o.init = DOPT_INIT_NORMAL;
    o.init_std = init_std;
    o.lr = lr;
    o.max_steps = INT64_MAX / 4;
    return o;
}

static problem problem_new(const line *l, int threads)
{
    problem p = { .l = l, .x = uniform((size_t)(l->rows * l->cols), 1), .y = uniform((size_t)l->rows, 2) };
    dopt_objective_options data = DOPT_OBJECTIVE_OPTIONS_INIT;
    data.threads = threads;
    check_status(dopt_loss_create_lp(4.0, NULL, &p.loss));
    for (int i = 0; i < models; i++) {
        const dopt_fit_options o = options_of(l, i);
        p.w[i] = numbers_new((size_t)l->cols);
        check_status(dopt_objective_create_data(dopt_cmat_f64(p.x, l->rows, l->cols), dopt_cmat_f64(p.y, l->rows, 1),
                                                p.loss, &data, &p.objective[i]));
        check_status(dopt_trainer_create(p.objective[i], &o, dopt_mat_f64(p.w[i], 1, l->cols), &p.trainer[i]));
    }
    return p;
}

static void problem_free(problem *p)
{
    for (int i = 0; i < models; i++) {
        dopt_trainer_destroy(&p->trainer[i]);
        dopt_objective_destroy(&p->objective[i]);
        free(p->w[i]);
    }
    dopt_loss_destroy(&p->loss);
    free(p->x);
    free(p->y);
}

static void step(void *state)
{
    check_status(dopt_trainer_step(state, NULL));
}

/* dL/dw by the definition. */
static void gradient(const problem *p, const double *w, double *g)
{
    const ptrdiff_t m = p->l->rows, d = p->l->cols;
    memset(g, 0, (size_t)d * sizeof *g);
    for (ptrdiff_t i = 0; i < m; i++) {
        double r = -p->y[i];
        for (ptrdiff_t c = 0; c < d; c++)
            r += p->x[i * d + c] * w[c];
        for (ptrdiff_t c = 0; c < d; c++)
            g[c] += r * r * r * p->x[i * d + c] / (double)m;
    }
}

/* The factors one step on, by the chain rule on vectors: W_j -= lr a_j b_j^T, with a_j = (W_N ... W_{j+1})^T and
   b_j = W_{j-1} ... W_1 g; returns the product. */
static void move_factors(const line *l, double *const *factor, const double *g, double *w)
{
    const int n = l->depth;
    double *above[depth_most + 1], *below[depth_most + 1];
    for (int j = 0; j <= n; j++) {
        above[j] = numbers_new((size_t)(l->width + l->cols));
        below[j] = numbers_new((size_t)(l->width + l->cols));
    }
    const ptrdiff_t inner = l->width;
    above[n][0] = 1.0;
    memcpy(below[0], g, (size_t)l->cols * sizeof *g);
    for (int j = n; j >= 1; j--) { /* above[j - 1] = W_j^T above[j] */
        const ptrdiff_t rows = j == n ? 1 : inner, cols = j == 1 ? l->cols : inner;
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t c = 0; c < cols; c++)
                above[j - 1][c] += factor[j][r * cols + c] * above[j][r];
    }
    for (int j = 1; j <= n; j++) {
        const ptrdiff_t rows = j == n ? 1 : inner, cols = j == 1 ? l->cols : inner;
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t c = 0; c < cols; c++) {
                below[j][r] += factor[j][r * cols + c] * below[j - 1][c];
                factor[j][r * cols + c] -= lr * above[j][r] * below[j - 1][c];
            }
    }
    double *product = numbers_new((size_t)(l->width + l->cols));
    product[0] = 1.0;
    for (int j = n; j >= 1; j--) {
        const ptrdiff_t rows = j == n ? 1 : inner, cols = j == 1 ? l->cols : inner;
        double *next = numbers_new((size_t)(l->width + l->cols));
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t c = 0; c < cols; c++)
                next[c] += factor[j][r * cols + c] * product[r];
        free(product);
        product = next;
    }
    memcpy(w, product, (size_t)l->cols * sizeof *w);
    free(product);
    for (int j = 0; j <= n; j++) {
        free(above[j]);
        free(below[j]);
    }
}

/* Steps of every model against the formulas, from where the trainer starts. */
static void check(problem *p)
{
    enum { steps = 3 };
    const line *l = p->l;
    const ptrdiff_t d = l->cols;
    double *w = numbers_new((size_t)d), *g = numbers_new((size_t)d), *factor[depth_most + 1] = { NULL };
    for (int model = 0; model < models; model++) {
        dopt_net *net = dopt_trainer_net(p->trainer[model]);
        memcpy(w, p->w[model], (size_t)d * sizeof *w);
        for (int j = 1; net && j <= l->depth; j++) {
            const dopt_mat f = dopt_net_factor(net, j);
            factor[j] = numbers_new((size_t)(f.rows * f.cols));
            memcpy(factor[j], f.data, (size_t)(f.rows * f.cols) * sizeof **factor);
        }
        for (int s = 0; s < steps; s++) {
            double norm = 0.0, along = 0.0;
            gradient(p, w, g);
            for (ptrdiff_t c = 0; c < d; c++) {
                norm += w[c] * w[c];
                along += w[c] * g[c];
            }
            const double n = l->depth, factor_of_g = model == DOPT_MODEL_E2E ? pow(norm, 1.0 - 1.0 / n) : 1.0;
            for (ptrdiff_t c = 0; c < d && !net; c++)
                w[c] -= lr * factor_of_g * (g[c] + (model == DOPT_MODEL_E2E ? (n - 1.0) * along / norm * w[c] : 0.0));
            if (net)
                move_factors(l, factor, g, w);
            step(p->trainer[model]);
        }
        bench_check("steps against the formula", relative_distance(p->w[model], w, (size_t)d), 1e-10);
        for (int j = 1; j <= l->depth; j++) {
            free(factor[j]);
            factor[j] = NULL;
        }
    }
    free(w);
    free(g);
}

typedef struct result {
    timing read, model[models];
    double torch_net[2], torch_hand[2]; /* least and median; NaN: not measured */
} result;

static result measure(const line *l, const bench_options *options)
{
    problem p = problem_new(l, options->threads);
    timing t[1 + models];
    double torch[4] = { NAN, NAN, NAN, NAN };
    char arguments[128];
    reading r = { p.x, (size_t)(l->rows * l->cols) / 8, 0.0 };
    check(&p);
    const contender contenders[] = {
        { read_once, &r }, { step, p.trainer[0] }, { step, p.trainer[1] }, { step, p.trainer[2] }
    };
    race(1 + models, contenders, options->seconds, t);
    problem_free(&p);
    (void)snprintf(arguments, sizeof arguments, "%td %td 4 %d %td %d", l->rows, l->cols, l->depth, l->width,
                   options->threads);
    if (!bench_peer("train_torch.py", arguments, 4, torch))
        torch[0] = torch[1] = torch[2] = torch[3] = NAN;
    const result found = { t[0], { t[1], t[2], t[3] }, { torch[0], torch[1] }, { torch[2], torch[3] } };
    return found;
}

static void print_line(FILE *csv, const line *l, const result *r)
{
    const double plain = r->model[DOPT_MODEL_DIRECT].least, e2e = r->model[DOPT_MODEL_E2E].least;
    const double factored = r->model[DOPT_MODEL_FACTORED].least;
    (void)printf("%-9s %6td x %-4td %3d %5td %9.4g %9.4g %9.4g %9.4g %9.2f | %9.4g %9.4g %8.1f %8.1f %8.1f\n",
                 l->series, l->rows, l->cols, l->depth, l->width, 1e3 * r->read.least, 1e3 * plain, 1e3 * e2e,
                 1e3 * factored, factored / plain, 1e3 * r->torch_hand[0], 1e3 * r->torch_net[0],
                 r->torch_hand[0] / e2e, r->torch_net[0] / e2e, r->torch_net[0] / factored);
    (void)fprintf(csv, "%s,%td,%td,%d,%td,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g\n", l->series, l->rows, l->cols,
                  l->depth, l->width, r->read.least, plain, e2e, factored, r->torch_hand[0], r->torch_net[0],
                  r->torch_hand[1], r->torch_net[1]);
    (void)fflush(stdout);
    (void)fflush(csv);
}

/* Twelve learning rates, all stable, so that all runs are as long. */
static void time_search(FILE *csv, double seconds)
{
    enum { rates = 12 };
    static const line l = { "search", 2565, 128, 2, 1 };
    double grid[rates], w0[128] = { 0 }, least[2] = { INFINITY, INFINITY };
    dopt_lr_trial trials[2][rates];
    problem p = problem_new(&l, 1);
    dopt_fit_options o = options_of(&l, DOPT_MODEL_E2E);
    o.max_steps = 1000;
    for (int i = 0; i < rates; i++)
        grid[i] = 1e-3 * pow(1.5, i);
    const double start = now();
    for (int turn = 0; turn < 3 || now() - start < 3.0 * seconds; turn++)
        for (int t = 0; t < 2; t++) {
            int best = -1;
            const double before = now();
            check_status(
                dopt_lr_search(p.objective[0], &o, dopt_cmat_f64(w0, 1, 128), rates, grid, t + 1, trials[t], &best));
            least[t] = fmin(least[t], now() - before);
        }
    for (int i = 0; i < rates; i++)
        bench_check("the search on two threads against one", trials[0][i].value == trials[1][i].value ? 0.0 : 1.0, 0.0);
    (void)printf("\nsearch of %d rates, 1000 steps each: %.3f s on one thread, %.3f s on two: %.2f\n", rates, least[0],
                 least[1], least[1] / least[0]);
    (void)fprintf(csv, "search,2565,128,2,1,,%.6g,%.6g,,,,,\n", least[0], least[1]);
    problem_free(&p);
}

static void draw(const bench_options *options)
{
    static const struct {
        const char *series, *label;
        int column;
    } panels[] = { { "rows", "rows, 128 features, depth 3", 2 },
                   { "features", "features = width, 2565 rows, depth 3", 3 },
                   { "depth", "depth, 2565 x 128, width 128", 4 },
                   { "width", "width, 2565 x 128, depth 3", 5 } };
    FILE *script = bench_open(options, "train.gp");
    (void)fprintf(script, "# gnuplot train.gp\nset terminal svg size 1100,900 dynamic background rgb 'white'\n"
                          "set output 'train.svg'\nset datafile separator ','\nset logscale xy\nset grid\n"
                          "of(name, i) = stringcolumn(1) eq name ? column(i) : NaN\n"
                          "set ylabel 'seconds a step'\nset multiplot layout 2,2\nset key off\n");
    for (size_t i = 0; i < sizeof panels / sizeof *panels; i++) {
        (void)fprintf(script, "%sset xlabel '%s'\n", i == 0 ? "set key top left\n" : "set key off\n", panels[i].label);
        static const char *const titles[] = { "one read of X", "plain",           "e2e",
                                              "factored",      "PyTorch by hand", "PyTorch network" };
        (void)fprintf(script, "plot");
        for (int k = 0; k < 6; k++)
            (void)fprintf(script, "%s 'train.csv' using %d:(of('%s', %d)) with linespoints %s title '%s'", k ? "," : "",
                          panels[i].column, panels[i].series, 6 + k, k == 0 ? "dashtype 2" : "", titles[k]);
        (void)fprintf(script, "\n");
    }
    (void)fprintf(script, "unset multiplot\n");
    (void)fclose(script);
    bench_plot(options, "train.gp");
}

int main(int argc, char **argv)
{
    const bench_options options =
        bench_begin(argc, argv, "Steps of l_4 regression: time over rows, features, depth and width; PyTorch.");
    FILE *csv = bench_table(&options, "train.csv",
                            "series,rows,cols,depth,width,read,plain,e2e,factored,torch_by_hand,torch_network,"
                            "torch_by_hand_median,torch_network_median");
    bench_machine(stdout, &options);
    (void)printf("%-9s %13s %3s %5s %9s %9s %9s %9s %9s | %9s %9s %8s %8s %8s\n", "series", "shape", "N", "width",
                 "read ms", "plain ms", "e2e ms", "factored", "/plain", "hand ms", "net ms", "hand/e2e", "net/e2e",
                 "net/fact");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!bench_wants(&options, lines[i].series) || (options.quick && lines[i].rows > 2565))
            continue;
        const result r = measure(&lines[i], &options);
        print_line(csv, &lines[i], &r);
    }
    if (bench_wants(&options, "search"))
        time_search(csv, options.seconds);
    (void)fclose(csv);
    draw(&options);
    return 0;
}
