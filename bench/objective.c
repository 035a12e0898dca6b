/* SPDX-License-Identifier: MIT */
/*
 * Value and gradient of a data set beside one plain read of X: time over rows and features, for each loss, layout and
 * dtype, on one and on two threads.
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
    const char *series; /* the curve of the picture, or what is special */
    ptrdiff_t rows, cols, outputs;
    double p; /* of l_p; 0: huber, -1: logistic, -2: squared */
    dopt_dtype dtype;
    bool by_columns;
    ptrdiff_t batch; /* rows of a minibatch; 0: all */
} line;

static const line lines[] = {
    { "rows", 500, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "rows", 1000, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "rows", 2565, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "rows", 5000, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "rows", 10000, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "rows", 20000, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "rows", 50000, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "rows", 100000, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "rows", 400000, 128, 1, 4.0, DOPT_F64, false, 0 },
    { "features", 2565, 8, 1, 4.0, DOPT_F64, false, 0 },
    { "features", 2565, 32, 1, 4.0, DOPT_F64, false, 0 },
    { "features", 2565, 61, 1, 4.0, DOPT_F64, false, 0 },
    { "features", 2565, 256, 1, 4.0, DOPT_F64, false, 0 },
    { "features", 2565, 784, 1, 4.0, DOPT_F64, false, 0 },
    { "features", 2565, 4096, 1, 4.0, DOPT_F64, false, 0 },
    { "p = 2", 2565, 128, 1, 2.0, DOPT_F64, false, 0 },
    { "p = 3", 2565, 128, 1, 3.0, DOPT_F64, false, 0 },
    { "p = 2.5", 2565, 128, 1, 2.5, DOPT_F64, false, 0 },
    { "huber", 2565, 128, 1, 0.0, DOPT_F64, false, 0 },
    { "logistic", 2565, 128, 1, -1.0, DOPT_F64, false, 0 },
    { "float", 2565, 128, 1, 4.0, DOPT_F32, false, 0 },
    { "float", 20000, 128, 1, 4.0, DOPT_F32, false, 0 },
    { "float", 400000, 128, 1, 4.0, DOPT_F32, false, 0 },
    { "columns", 2565, 128, 1, 4.0, DOPT_F64, true, 0 },
    { "columns", 20000, 128, 1, 4.0, DOPT_F64, true, 0 },
    { "columns", 400000, 128, 1, 4.0, DOPT_F64, true, 0 },
    { "float columns", 20000, 128, 1, 4.0, DOPT_F32, true, 0 },
    { "3 outputs", 2565, 128, 3, 4.0, DOPT_F64, false, 0 },
    { "10 outputs", 2565, 128, 10, 4.0, DOPT_F64, false, 0 },
    { "10 outputs", 400000, 128, 10, 4.0, DOPT_F64, false, 0 },
    { "epoch of 16", 2565, 128, 1, 4.0, DOPT_F64, false, 16 },
    { "epoch of 64", 2565, 128, 1, 4.0, DOPT_F64, false, 64 },
    { "epoch of 256", 2565, 128, 1, 4.0, DOPT_F64, false, 256 },
    { "epoch of 64", 20000, 128, 1, 4.0, DOPT_F64, false, 64 },
    { "epoch of 256", 20000, 128, 1, 4.0, DOPT_F64, false, 256 },
    { "epoch of 64", 400000, 128, 1, 4.0, DOPT_F64, false, 64 },
    { "epoch of 256", 400000, 128, 1, 4.0, DOPT_F64, false, 256 },
};

typedef struct problem {
    const line *l;
    void *x_data, *y_data, *w_data, *grad_data;
    dopt_cmat x, y, w;
    dopt_mat grad;
    dopt_loss *loss;
    dopt_objective *objective[2]; /* on one and on two threads */
    ptrdiff_t *order;             /* of a batch */
    ptrdiff_t *shuffle;           /* of an epoch */
    int64_t epoch;
    double value;
} problem;

static double get(dopt_cmat m, ptrdiff_t r, ptrdiff_t c)
{
    const ptrdiff_t at = r * m.row_stride + c * m.col_stride;
    return m.dtype == DOPT_F64 ? ((const double *)m.data)[at] : (double)((const float *)m.data)[at];
}

/* Noise, or labels. */
static void *fill(dopt_mat *m, double stddev, bool labels)
{
    dopt_rng rng = dopt_rng_init(2718, (uint64_t)(m->rows * m->cols));
    m->data = numbers_new((size_t)(m->rows * m->cols));
    for (ptrdiff_t i = 0; i < m->rows * m->cols; i++) {
        const double x = stddev * (2.0 * dopt_rng_uniform(&rng) - 1.0), value = labels ? copysign(1.0, x) : x;
        if (m->dtype == DOPT_F64)
            ((double *)m->data)[i] = value;
        else
            ((float *)m->data)[i] = (float)value;
    }
    return m->data;
}

static dopt_mat shape(ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype, bool by_columns)
{
    const dopt_mat m = { NULL, rows, cols, by_columns ? 1 : cols, by_columns ? rows : 1, dtype };
    return m;
}

static void create_loss(const line *l, dopt_loss **loss)
{
    if (l->p == 0.0)
        check_status(dopt_loss_create_huber(0.5, NULL, loss));
    else if (l->p == -1.0)
        check_status(dopt_loss_create_logistic(NULL, loss));
    else
        check_status(dopt_loss_create_lp(l->p, NULL, loss));
}

static problem problem_new(const line *l)
{
    problem p = { .l = l };
    dopt_mat x = shape(l->rows, l->cols, l->dtype, l->by_columns), y = shape(l->rows, l->outputs, l->dtype, false);
    dopt_mat w = shape(l->outputs, l->cols, l->dtype, false);
    p.x_data = fill(&x, 1.0, false);
    p.y_data = fill(&y, 1.0, l->p == -1.0);
    p.w_data = fill(&w, 1.0 / sqrt((double)l->cols), false);
    p.grad_data = numbers_new((size_t)(w.rows * w.cols));
    p.x = dopt_const(x);
    p.y = dopt_const(y);
    p.w = dopt_const(w);
    p.grad = w;
    p.grad.data = p.grad_data;
    create_loss(l, &p.loss);
    for (int i = 0; i < 2; i++) {
        dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
        options.threads = i + 1;
        check_status(dopt_objective_create_data(p.x, p.y, p.loss, &options, &p.objective[i]));
    }
    p.order = calloc((size_t)l->rows, sizeof *p.order);
    p.shuffle = calloc((size_t)l->rows, sizeof *p.shuffle);
    if (!p.order || !p.shuffle)
        exit(EXIT_FAILURE);
    check_status(dopt_rng_permute_rows(1, 0, l->rows, 0, l->rows, p.shuffle));
    return p;
}

static void problem_free(problem *p)
{
    for (int i = 0; i < 2; i++)
        dopt_objective_destroy(&p->objective[i]);
    dopt_loss_destroy(&p->loss);
    free(p->x_data);
    free(p->y_data);
    free(p->w_data);
    free(p->grad_data);
    free(p->order);
    free(p->shuffle);
}

static void full_pass(problem *p, int which)
{
    check_status(dopt_objective_eval(p->objective[which], p->w, NULL, &p->value, p->grad));
}

/* Every row once, in batches. */
static void epoch(problem *p)
{
    const ptrdiff_t m = p->l->rows, size = p->l->batch;
    dopt_batch batch = { p->order, 0, 0 };
    p->epoch++;
    for (ptrdiff_t at = 0; at < m; at += size) {
        batch.count = m - at < size ? m - at : size;
        check_status(dopt_rng_permute_rows(1, (uint64_t)p->epoch, m, at, batch.count, p->order));
        check_status(dopt_objective_eval(p->objective[0], p->w, &batch, &p->value, p->grad));
    }
}

static void on_one(void *state)
{
    full_pass(state, 0);
}

static void on_two(void *state)
{
    full_pass(state, 1);
}

static void in_batches(void *state)
{
    epoch(state);
}

static double slope_of(const line *l, double r, double z, double y, double *value)
{
    if (l->p > 0.0) {
        *value = pow(fabs(r), l->p) / l->p;
        return pow(fabs(r), l->p - 1.0) * (r > 0.0 ? 1.0 : -1.0);
    }
    if (l->p == 0.0) {
        *value = fabs(r) <= 0.5 ? 0.5 * r * r : 0.5 * (fabs(r) - 0.25);
        return fmin(fmax(r, -0.5), 0.5);
    }
    *value = log1p(exp(-y * z));
    return -y / (1.0 + exp(y * z));
}

/* Value and gradient by the definition, one row after the other. */
static double by_definition(const problem *p, double *grad)
{
    const ptrdiff_t m = p->x.rows, d = p->x.cols, k = p->y.cols;
    double sum = 0.0;
    for (ptrdiff_t i = 0; i < m; i++)
        for (ptrdiff_t o = 0; o < k; o++) {
            const double y = get(p->y, i, o);
            double z = 0.0, value;
            for (ptrdiff_t c = 0; c < d; c++)
                z += get(p->x, i, c) * get(p->w, o, c);
            const double slope = slope_of(p->l, z - y, z, y, &value);
            sum += value;
            for (ptrdiff_t c = 0; c < d; c++)
                grad[o * d + c] += slope * get(p->x, i, c) / (double)m;
        }
    return sum / (double)m;
}

static void check(problem *p)
{
    const size_t count = (size_t)(p->grad.rows * p->grad.cols);
    const double tolerance = p->l->dtype == DOPT_F64 ? 1e-11 : 1e-4;
    double *want = numbers_new(count), *got = numbers_new(count);
    const double value = by_definition(p, want);
    for (int which = 0; which < 2; which++) {
        full_pass(p, which);
        for (size_t i = 0; i < count; i++)
            got[i] = get(dopt_const(p->grad), 0, (ptrdiff_t)i);
        bench_check("value against the definition", fabs(p->value / value - 1.0), tolerance);
        bench_check("gradient against the definition", relative_distance(got, want, count), tolerance);
    }
    free(want);
    free(got);
}

typedef struct result {
    timing read, one, two, shuffled;
} result;

static result measure(const line *l, const bench_options *options)
{
    problem p = problem_new(l);
    timing t[4];
    const size_t row_blocks = (size_t)l->cols * (l->dtype == DOPT_F64 ? 8 : 4) / 64;
    reading r = { p.x_data, (size_t)(l->rows * l->cols) * (l->dtype == DOPT_F64 ? 8 : 4) / 64, 0.0 };
    shuffled_reading s = { p.x_data, p.shuffle, l->rows, row_blocks, 0.0 };
    check(&p);
    const contender contenders[] = { { read_once, &r },
                                     { l->batch ? in_batches : on_one, &p },
                                     { l->batch ? on_one : on_two, &p },
                                     { read_shuffled, &s } };
    race(l->batch ? 4 : 3, contenders, options->seconds, t);
    problem_free(&p);
    const result found = { t[0], t[1], t[2], t[3] };
    return found;
}

static const char *loss_name(const line *l, char name[16])
{
    (void)snprintf(name, 16, l->p > 0.0 ? "l_%g" : l->p == 0.0 ? "huber" : "logistic", l->p);
    return name;
}

/* With minibatches the last columns are a full pass on one thread, an epoch over it, and the rows read in such an
   order, over it. */
static void print_line(FILE *csv, const line *l, const result *r)
{
    char name[16];
    const char *dtype = l->dtype == DOPT_F64 ? "f64" : "f32", *order = l->by_columns ? "columns" : "rows";
    const double read = r->read.least, one = r->one.least, two = r->two.least;
    char shuffled[32] = "", over[32] = "-"; /* of minibatches alone */
    if (l->batch) {
        (void)snprintf(shuffled, sizeof shuffled, "%.6g", r->shuffled.least);
        (void)snprintf(over, sizeof over, "%.3f", r->shuffled.least / two);
    }
    (void)printf("%-14s %7td x %-5td %2td %-9s %s %-7s %10.4g %10.4g %8.3f %8.3f %10.4g %8.3f %8s\n", l->series,
                 l->rows, l->cols, l->outputs, loss_name(l, name), dtype, order, 1e3 * read, 1e3 * one, one / read,
                 r->one.ratio, 1e3 * two, one / two, over);
    (void)fprintf(csv, "%s,%td,%td,%td,%s,%s,%s,%td,%.6g,%.6g,%.6g,%.4f,%.4f,%.4f,%s\n", l->series, l->rows, l->cols,
                  l->outputs, name, dtype, order, l->batch, read, one, two, one / read, r->one.ratio, one / two,
                  shuffled);
    (void)fflush(stdout);
    (void)fflush(csv);
}

static void draw(const bench_options *options)
{
    FILE *script = bench_open(options, "objective.gp");
    (void)fprintf(
        script,
        "# gnuplot objective.gp\nset terminal svg size 1000,480 dynamic background rgb 'white'\n"
        "set output 'objective.svg'\nset datafile separator ','\nset logscale xy\nset grid\n"
        "set key top left\nset ylabel 'seconds'\n"
        "of(name, i) = stringcolumn(1) eq name ? column(i) : NaN\n"
        "set multiplot layout 1,2\n"
        "set xlabel 'rows'\nset title 'value and gradient, l_4, 128 features'\n"
        "plot 'objective.csv' using 2:(of('rows', 9)) with linespoints dashtype 2 title 'one read of X', \\\n"
        "     '' using 2:(of('rows', 10)) with linespoints lw 2 title 'one thread', \\\n"
        "     '' using 2:(of('rows', 11)) with linespoints title 'two threads'\n"
        "set xlabel 'features'\nset title '2565 rows'\n"
        "plot 'objective.csv' using 3:(of('features', 9)) with linespoints dashtype 2 title 'one read of X', \\\n"
        "     '' using 3:(of('features', 10)) with linespoints lw 2 title 'one thread', \\\n"
        "     '' using 3:(of('features', 11)) with linespoints title 'two threads'\n"
        "unset multiplot\n");
    (void)fclose(script);
    bench_plot(options, "objective.gp");
}

int main(int argc, char **argv)
{
    const bench_options options =
        bench_begin(argc, argv, "One pass over the data: time over rows and features, beside one plain read of X.");
    FILE *csv =
        bench_table(&options, "objective.csv",
                    "series,rows,cols,outputs,loss,dtype,order,batch,read,one,two,ratio,median_ratio,speedup,shuffled");
    bench_machine(stdout, &options);
    (void)printf("%-14s %15s %2s %-9s %3s %-7s %10s %10s %8s %8s %10s %8s %8s\n", "series", "shape", "k", "loss", "",
                 "order", "read ms", "ours ms", "/read", "median", "2 threads", "speedup", "rows");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!bench_wants(&options, lines[i].series) || (options.quick && lines[i].rows * lines[i].cols > 4000000))
            continue;
        const result r = measure(&lines[i], &options);
        print_line(csv, &lines[i], &r);
    }
    (void)fclose(csv);
    draw(&options);
    return 0;
}
