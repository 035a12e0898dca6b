/* SPDX-License-Identifier: MIT */
/*
 * dopt_e2e_apply() beside its floor, the route by LAPACK's SVD, and PyTorch: time over shape, spectrum and depth.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <depthopt/depthopt.h>

#include "support/floor.h"
#include "support/matrices.h"
#include "support/report.h"
#include "support/timing.h"

typedef struct line {
    ptrdiff_t rows, cols;
    spectrum kind;
    double depth;
    bool peers;   /* PyTorch too */
    bool formula; /* and the formula as printed, which decomposes a cols x cols matrix */
} line;

static const line lines[] = {
    { 8, 8, SPECTRUM_RANDOM, 3.0, true, true },
    { 16, 16, SPECTRUM_RANDOM, 3.0, false, false },
    { 32, 32, SPECTRUM_RANDOM, 3.0, true, true },
    { 64, 64, SPECTRUM_RANDOM, 3.0, true, true },
    { 128, 128, SPECTRUM_RANDOM, 3.0, true, true },
    { 256, 256, SPECTRUM_RANDOM, 3.0, true, true },
    { 512, 512, SPECTRUM_RANDOM, 3.0, true, true },
    { 1024, 1024, SPECTRUM_RANDOM, 3.0, true, true },
    { 10, 784, SPECTRUM_RANDOM, 3.0, true, true },
    { 784, 10, SPECTRUM_RANDOM, 3.0, false, false },
    { 512, 3136, SPECTRUM_RANDOM, 3.0, true, true },
    { 1, 784, SPECTRUM_RANDOM, 3.0, false, false },
    { 1, 100000, SPECTRUM_RANDOM, 3.0, false, false },
    { 100000, 1, SPECTRUM_RANDOM, 3.0, false, false },
    { 512, 512, SPECTRUM_GRADED, 3.0, false, false },
    { 256, 256, SPECTRUM_PLAIN, 3.0, false, false },
    { 256, 256, SPECTRUM_GRADED, 3.0, false, false },
    { 256, 256, SPECTRUM_STEEP, 3.0, false, false },
    { 256, 256, SPECTRUM_CLUSTERS, 3.0, false, false },
    { 256, 256, SPECTRUM_EQUAL, 3.0, false, false },
    { 256, 256, SPECTRUM_LOWRANK, 3.0, false, false },
    { 256, 256, SPECTRUM_NEARZERO, 3.0, false, false },
    { 256, 256, SPECTRUM_HUGE, 3.0, false, false },
    { 512, 512, SPECTRUM_RANDOM, 2.0, false, false },
    { 512, 512, SPECTRUM_RANDOM, 8.0, false, false },
    { 512, 512, SPECTRUM_RANDOM, 2.5, false, false },
    { 512, 512, SPECTRUM_RANDOM, INFINITY, false, false },
};

typedef struct call {
    dopt_e2e *e2e;
    dopt_cmat w, grad;
    dopt_mat out;
} call;

static void apply(void *state)
{
    const call *c = state;
    check_status(dopt_e2e_apply(c->e2e, c->w, c->grad, c->out));
}

/*
 * Against the route by SVD, at an integer depth. Both are backward stable, and a change of an s by eps s_1 moves K by
 * up to (2/N) eps (s / s_1)^(2/N-1), which is what they may differ by.
 */
static void check(const line *l, call *c, job *j)
{
    dopt_e2e *by_svd = NULL;
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    const size_t count = (size_t)(l->rows * l->cols);
    const ptrdiff_t n = l->rows > l->cols ? l->rows : l->cols;
    const double eps = 0x1p-52 * (double)n, least = pow(eps, isinf(l->depth) ? 1.0 : fmin(1.0, 2.0 / l->depth));
    const bool singular = l->kind != SPECTRUM_RANDOM && l->kind != SPECTRUM_PLAIN && l->kind != SPECTRUM_EQUAL &&
                          l->kind != SPECTRUM_HUGE;
    apply(c);
    if (l->rows > 1 && l->rows <= l->cols && l->depth == floor(l->depth) && !isinf(l->depth)) {
        svd_route(j);
        bench_check("against LAPACK's SVD", relative_distance(c->out.data, j->out, count),
                    10.0 * (singular ? least : eps));
    }
    double *second = numbers_new(count);
    options.method = DOPT_E2E_SVD;
    check_status(dopt_e2e_create(l->rows, l->cols, l->depth, &options, &by_svd));
    check_status(dopt_e2e_apply(by_svd, c->w, c->grad, dopt_mat_f64(second, l->rows, l->cols)));
    bench_check("against DOPT_E2E_SVD", relative_distance(c->out.data, second, count), 10.0 * (singular ? least : eps));
    dopt_e2e_destroy(&by_svd);
    free(second);
}

typedef struct result {
    timing floor, ours, svd;
    double syrk, eigen, products, torch_svd, torch_formula; /* seconds; NaN: not measured */
} result;

static void time_parts(job *j, double seconds, result *r)
{
    timing parts[4];
    const contender floor_parts[] = { { floor_all, j }, { floor_syrk, j }, { floor_products, j } };
    race(3, floor_parts, 0.3 * seconds, parts);
    r->syrk = parts[1].seconds;
    r->products = parts[2].seconds;
    r->eigen = parts[0].seconds - parts[1].seconds - parts[2].seconds;
}

static void time_peers(const line *l, const bench_options *options, result *r)
{
    char arguments[128];
    double seconds[2] = { NAN, NAN };
    if (!l->peers)
        return;
    (void)snprintf(arguments, sizeof arguments, "%td %td %d %d %s", l->rows, l->cols, (int)l->depth, options->threads,
                   l->formula ? "formula" : "");
    if (!bench_peer("e2e_torch.py", arguments, l->formula ? 2 : 1, seconds))
        return;
    r->torch_svd = seconds[0];
    r->torch_formula = seconds[1];
}

static result measure(const line *l, const bench_options *options)
{
    const ptrdiff_t k = l->rows < l->cols ? l->rows : l->cols, d = l->rows < l->cols ? l->cols : l->rows;
    const size_t count = (size_t)(k * d);
    double *w = numbers_new(count), *grad = numbers_new(count), *out = numbers_new(count);
    result r = { .syrk = NAN, .eigen = NAN, .products = NAN, .torch_svd = NAN, .torch_formula = NAN };
    timing timings[3];
    matrix_with(l->kind, k, d, w);
    numbers_normal(grad, count, 5, 1.0);
    job j = job_new(k, d, isinf(l->depth) ? 2 : (int)l->depth, w, grad);
    call c = { NULL, dopt_cmat_f64(w, l->rows, l->cols), dopt_cmat_f64(grad, l->rows, l->cols),
               dopt_mat_f64(out, l->rows, l->cols) };
    check_status(dopt_e2e_create(l->rows, l->cols, l->depth, NULL, &c.e2e));
    check(l, &c, &j);

    const contender contenders[] = { { k == 1 ? floor_vector : floor_all, &j }, { apply, &c }, { svd_route, &j } };
    race(k == 1 ? 2 : 3, contenders, options->seconds, timings);
    r.floor = timings[0];
    r.ours = timings[1];
    r.svd = timings[2];
    if (k == 1)
        r.svd.seconds = r.svd.ratio = NAN;
    else
        time_parts(&j, options->seconds, &r);
    time_peers(l, options, &r);
    dopt_e2e_destroy(&c.e2e);
    job_free(&j);
    free(w);
    free(grad);
    free(out);
    return r;
}

static void number(FILE *to, double x, double scale)
{
    if (isnan(x))
        (void)fprintf(to, " %10s", "-");
    else
        (void)fprintf(to, " %10.4g", scale * x);
}

static void print_line(const line *l, const result *r)
{
    (void)printf("%6td x %-6td %-9s %5g", l->rows, l->cols, spectrum_names[l->kind], l->depth);
    number(stdout, r->ours.seconds, 1e3);
    number(stdout, r->floor.seconds, 1e3);
    number(stdout, r->syrk, 1e3);
    number(stdout, r->eigen, 1e3);
    number(stdout, r->products, 1e3);
    (void)printf(" | %7.3f", r->ours.ratio);
    number(stdout, r->ours.ratio / r->svd.ratio, 1.0);
    number(stdout, r->torch_svd / r->ours.seconds, 1.0);
    number(stdout, r->torch_formula / r->ours.seconds, 1.0);
    (void)printf("\n");
    (void)fflush(stdout);
}

static void write_line(FILE *csv, const line *l, const result *r)
{
    (void)fprintf(csv, "%td,%td,%s,%g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g,%.4f\n", l->rows, l->cols,
                  spectrum_names[l->kind], l->depth, r->ours.seconds, r->floor.seconds, r->syrk, r->eigen, r->products,
                  r->svd.seconds, r->torch_svd, r->torch_formula, r->ours.ratio);
    (void)fflush(csv);
}

static void draw(const bench_options *options)
{
    FILE *script = bench_open(options, "e2e.gp");
    (void)fprintf(
        script,
        "# gnuplot e2e.gp\nset terminal svg size 800,560 dynamic background rgb 'white'\n"
        "set output 'e2e.svg'\nset datafile separator ','\nset logscale xy\nset grid\n"
        "set key top left\nset xlabel 'rows = columns'\nset ylabel 'seconds'\n"
        "set title 'P_W(G), random W, depth 3, %d thread%s'\n"
        "square(i) = stringcolumn(3) eq 'random' && column(1) == column(2) && column(4) == 3 ? column(i) : NaN\n"
        "plot 'e2e.csv' using 1:(square(6)) with linespoints dashtype 2 title 'floor', \\\n"
        "     '' using 1:(square(5)) with linespoints lw 2 title 'dopt\\_e2e\\_apply', \\\n"
        "     '' using 1:(square(10)) with linespoints title 'LAPACK SVD', \\\n"
        "     '' using 1:(square(11)) with linespoints title 'PyTorch, SVD', \\\n"
        "     '' using 1:(square(12)) with linespoints title 'PyTorch, printed formula'\n",
        options->threads, options->threads == 1 ? "" : "s");
    (void)fclose(script);
    bench_plot(options, "e2e.gp");
}

/* For --only: the spectrum's name, but depths, and wide for the shapes that take PyTorch longest. */
static const char *series_of(const line *l)
{
    if (l->depth != 3.0)
        return "depths";
    return l->rows > 1 && l->cols > 1024 ? "wide" : spectrum_names[l->kind];
}

int main(int argc, char **argv)
{
    const bench_options options =
        bench_begin(argc, argv, "The end-to-end preconditioner: time over shape and spectrum; floor and peers.");
    FILE *csv =
        bench_table(&options, "e2e.csv",
                    "rows,cols,spectrum,depth,ours,floor,syrk,eigen,products,svd_route,torch_svd,torch_formula,ratio");
    bench_machine(stdout, &options);
    if (!bench_torch())
        (void)printf("# no PyTorch found: its columns stay empty\n");
    (void)printf("%15s %-9s %5s %10s %10s %10s %10s %10s | %7s %10s %10s %10s\n", "shape", "spectrum", "N", "ours ms",
                 "floor ms", "syrk", "eigen", "products", "/floor", "/SVD route", "torch SVD", "formula");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!bench_wants(&options, series_of(&lines[i])) ||
            (options.quick && lines[i].rows * lines[i].cols > 300 * 300))
            continue;
        const result r = measure(&lines[i], &options);
        print_line(&lines[i], &r);
        write_line(csv, &lines[i], &r);
    }
    (void)fclose(csv);
    draw(&options);
    return 0;
}
