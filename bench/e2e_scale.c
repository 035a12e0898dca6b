/* SPDX-License-Identifier: MIT */
/*
 * The preconditioner over its size, depth, dtype and with a kept basis: time and memory of k x k matrices for k = 8 ...
 * 4096 with fitted exponents, and what does not change the time.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <depthopt/depthopt.h>

#include "support/matrices.h"
#include "support/report.h"
#include "support/timing.h"

enum { sizes_max = 16, race_max = 1024 };

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

/* The same random W and G for every call of one size. */
typedef struct problem {
    ptrdiff_t k;
    double *w, *grad, *out;
    float *w32, *grad32, *out32;
} problem;

static problem problem_new(ptrdiff_t k)
{
    const size_t count = (size_t)(k * k);
    problem p = { .k = k, .w = numbers_new(count), .grad = numbers_new(count), .out = numbers_new(count) };
    p.w32 = (float *)(void *)numbers_new(count);
    p.grad32 = (float *)(void *)numbers_new(count);
    p.out32 = (float *)(void *)numbers_new(count);
    matrix_with(SPECTRUM_RANDOM, k, k, p.w);
    numbers_normal(p.grad, count, 5, 1.0);
    for (size_t i = 0; i < count; i++) {
        p.w32[i] = (float)p.w[i];
        p.grad32[i] = (float)p.grad[i];
    }
    return p;
}

static void problem_free(problem *p)
{
    free(p->w);
    free(p->grad);
    free(p->out);
    free(p->w32);
    free(p->grad32);
    free(p->out32);
}

static call call_new(const problem *p, double depth, dopt_dtype dtype, double refresh_tolerance)
{
    const ptrdiff_t k = p->k;
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.refresh_tolerance = refresh_tolerance;
    call c = { NULL, dopt_cmat_f64(p->w, k, k), dopt_cmat_f64(p->grad, k, k), dopt_mat_f64(p->out, k, k) };
    if (dtype == DOPT_F32) {
        c.w = dopt_cmat_f32(p->w32, k, k);
        c.grad = dopt_cmat_f32(p->grad32, k, k);
        c.out = dopt_mat_f32(p->out32, k, k);
    }
    check_status(dopt_e2e_create(k, k, depth, &options, &c.e2e));
    return c;
}

typedef struct result {
    ptrdiff_t k;
    double seconds, narrow, kept; /* of one call; the last two as parts of the first */
    double bytes;
} result;

static double time_once(const call *c)
{
    const double start = now();
    apply((void *)c);
    return now() - start;
}

/* float32 and the kept basis give what the exact call gives; how long each takes, once. */
static void check(const problem *p, const call *exact, const call *narrow, const call *kept, result *r)
{
    const size_t count = (size_t)(p->k * p->k);
    double *first = numbers_new(count), *second = numbers_new(count);
    r->seconds = time_once(exact);
    for (size_t i = 0; i < count; i++)
        first[i] = p->out[i];
    r->narrow = time_once(narrow) / r->seconds;
    for (size_t i = 0; i < count; i++)
        second[i] = (double)p->out32[i];
    bench_check("float32 against float64", relative_distance(second, first, count),
                20.0 * 0x1p-23 * sqrt((double)p->k));
    apply((void *)kept);
    r->kept = time_once(kept) / r->seconds;
    if (dopt_e2e_route_taken(kept->e2e) != DOPT_E2E_ROUTE_REUSED)
        bench_check("the basis is kept", 1.0, 0.0);
    bench_check("a kept basis against a new one", relative_distance(p->out, first, count),
                20.0 * 0x1p-52 * (double)p->k);
    free(first);
    free(second);
}

static result measure(ptrdiff_t k, const bench_options *options)
{
    problem p = problem_new(k);
    call exact = call_new(&p, 3.0, DOPT_F64, 0.0), narrow = call_new(&p, 3.0, DOPT_F32, 0.0);
    call kept = call_new(&p, 3.0, DOPT_F64, 0.1);
    result r = { .k = k, .bytes = (double)dopt_e2e_workspace_bytes(exact.e2e) };
    check(&p, &exact, &narrow, &kept, &r);
    if (k <= race_max) { /* larger sizes take too long for turns: one call each has to do */
        const contender contenders[] = { { apply, &exact }, { apply, &narrow }, { apply, &kept } };
        timing timings[3];
        race(3, contenders, options->seconds, timings);
        r.seconds = timings[0].seconds;
        r.narrow = timings[1].ratio;
        r.kept = timings[2].ratio;
    }
    dopt_e2e_destroy(&exact.e2e);
    dopt_e2e_destroy(&narrow.e2e);
    dopt_e2e_destroy(&kept.e2e);
    problem_free(&p);
    return r;
}

/* The slope of log y over log k by least squares, from `least` on. */
static double exponent(int count, const result *r, double least, bool of_bytes)
{
    double n = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
    for (int i = 0; i < count; i++) {
        if ((double)r[i].k < least)
            continue;
        const double a = log((double)r[i].k), b = log(of_bytes ? r[i].bytes : r[i].seconds);
        n += 1.0;
        x += a;
        y += b;
        xx += a * a;
        xy += a * b;
    }
    return (n * xy - x * y) / (n * xx - x * x);
}

/* One W, many depths: the ratio of each to the first. */
static void depths(ptrdiff_t k, const bench_options *options)
{
    static const double all[] = { 2.0, 3.0, 8.0, 2.5, INFINITY };
    enum { count = sizeof all / sizeof *all };
    problem p = problem_new(k);
    call calls[count];
    contender contenders[count];
    timing timings[count];
    for (int i = 0; i < count; i++) {
        calls[i] = call_new(&p, all[i], DOPT_F64, 0.0);
        contenders[i].run = apply;
        contenders[i].state = &calls[i];
    }
    race(count, contenders, 4.0 * options->seconds, timings);
    (void)printf("\ndepths at %td x %td, time over that of N = 2:", k, k);
    for (int i = 1; i < count; i++)
        (void)printf("  N = %g: %.3f", all[i], timings[i].ratio);
    (void)printf("\n");
    for (int i = 0; i < count; i++)
        dopt_e2e_destroy(&calls[i].e2e);
    problem_free(&p);
}

static void draw(const bench_options *options)
{
    FILE *script = bench_open(options, "e2e_scale.gp");
    (void)fprintf(script, "# gnuplot e2e_scale.gp\nset terminal svg size 800,560 dynamic background rgb 'white'\n"
                          "set output 'e2e_scale.svg'\nset datafile separator ','\nset logscale xy\nset grid\n"
                          "set key top left\nset xlabel 'rows = columns'\nset ylabel 'seconds'\n"
                          "set title 'one call of dopt\\_e2e\\_apply(), depth 3'\n"
                          "plot 'e2e_scale.csv' using 1:2 with linespoints lw 2 title 'float64', \\\n"
                          "     '' using 1:($2*$3) with linespoints title 'float32', \\\n"
                          "     '' using 1:($2*$4) with linespoints title 'float64, kept basis'\n");
    (void)fclose(script);
    bench_plot(options, "e2e_scale.gp");
}

int main(int argc, char **argv)
{
    const bench_options options =
        bench_begin(argc, argv, "The end-to-end preconditioner: time and memory over size, dtype and depth.");
    FILE *csv = bench_open(&options, "e2e_scale.csv");
    result results[sizes_max];
    int count = 0;
    bench_machine(stdout, &options);
    bench_machine(csv, &options);
    (void)fprintf(csv, "k,seconds,float32,kept,bytes\n");
    (void)printf("%6s %12s %10s %10s %14s %18s\n", "k", "ms", "float32", "kept", "bytes", "bytes / (3kk + 4kk)");
    for (ptrdiff_t k = 8; k <= (options.quick ? 256 : 4096); k *= 2) {
        const result r = measure(k, &options);
        results[count++] = r;
        (void)printf("%6td %12.4g %10.3f %10.3f %14.0f %18.3f\n", r.k, 1e3 * r.seconds, r.narrow, r.kept, r.bytes,
                     r.bytes / (56.0 * (double)(k * k)));
        (void)fflush(stdout);
        (void)fprintf(csv, "%td,%.6g,%.4f,%.4f,%.0f\n", r.k, r.seconds, r.narrow, r.kept, r.bytes);
    }
    (void)fclose(csv);
    (void)printf("\nexponents from k = 64 on: time %.2f, memory %.2f\n", exponent(count, results, 64.0, false),
                 exponent(count, results, 64.0, true));
    depths(options.quick ? 128 : 512, &options);
    draw(&options);
    return 0;
}
