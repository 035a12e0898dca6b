/* SPDX-License-Identifier: MIT */
/*
 * Theorem 2: for N > 2 the end-to-end rule moves along no gradient, so no regulariser has the effect of depth.
 *
 *   1. constant gradient: the integral of the rule's field around the closed curve against its closed form
 *   2. the loss of the data: the same integral for curves of several sizes, with its error estimate
 */
#include <math.h>
#include <stdlib.h>

#include "support/figure.h"
#include "support/study.h"

enum { constant_depths = 6, radii = 9 };

static const double depths[constant_depths] = { 1.0, 2.0, 2.5, 3.0, 4.0, 8.0 };

static dopt_status constant(dopt_cmat w, dopt_mat grad, void *user)
{
    const double *from = user;
    double *to = grad.data;
    for (ptrdiff_t i = 0; i < w.rows * w.cols; i++)
        to[i] = from[i];
    return DOPT_OK;
}

/* 2 |c| (N-1)(N-2)/(3N-2) (R^{3-2/N} - r^{3-2/N}). */
static double closed_form(double n, double inner, double outer)
{
    const double power = 3.0 - 2.0 / n;
    return 2.0 * (n - 1.0) * (n - 2.0) / (3.0 * n - 2.0) * (pow(outer, power) - pow(inner, power));
}

static bool constant_gradient(study *s)
{
    enum { d = 5 };
    double c[d], norm = 0.0, worst = 0.0;
    dopt_rng rng = dopt_rng_init((uint64_t)s->seed, 2);
    for (int i = 0; i < d; i++) {
        c[i] = dopt_rng_normal(&rng);
        norm += c[i] * c[i];
    }
    for (int i = 0; i < d; i++)
        c[i] /= sqrt(norm);
    for (int i = 0; i < constant_depths; i++) {
        dopt_circulation_options options = DOPT_CIRCULATION_OPTIONS_INIT;
        dopt_circulation found;
        char what[96];
        options.depth = depths[i];
        if (dopt_analysis_circulation(1, d, constant, c, &options, &found) != DOPT_OK)
            return study_fail_library(s);
        const double want = closed_form(depths[i], options.inner, options.outer);
        worst = fmax(worst, fabs(found.value - want));
        (void)snprintf(what, sizeof what, "constant gradient, N = %g: integral (closed form %.10g)", depths[i], want);
        study_number(s, what, found.value);
    }
    study_claim(s, worst < 1e-10 ? HOLDS : FAILS,
                "The integral around the closed curve is positive for N > 2 and 0 for N = 1 and 2 (theorem 2)",
                "constant gradient, N = 1, 2, 2.5, 3, 4, 8: the closed form to %.1e", worst);
    return true;
}

static dopt_status of_objective(dopt_cmat w, dopt_mat grad, void *user)
{
    return dopt_objective_eval(user, w, NULL, NULL, grad);
}

typedef struct tally {
    double weakest; /* least value / error for N > 2 */
    bool positive, zero;
} tally;

/* Curves with outer radius R and inner radius R / 4, for one depth; in units of what a constant gradient would give. */
static bool sizes(study *s, dopt_objective *objective, double p, double depth, double length, figure *f, tally *t)
{
    curve c = { 0 };
    char what[128];
    for (int i = 0; i < radii; i++) {
        dopt_circulation_options options = DOPT_CIRCULATION_OPTIONS_INIT;
        dopt_circulation found;
        options.depth = depth;
        options.outer = pow(10.0, -4.0 + 0.5 * i);
        options.inner = 0.25 * options.outer;
        if (dopt_analysis_circulation(1, s->t.cols, of_objective, objective, &options, &found) != DOPT_OK)
            return study_fail_library(s);
        const double scale = length * pow(options.outer, 3.0 - 2.0 / depth);
        if (!curve_add(&c, options.outer, found.value / scale))
            return study_fail(s, "out of memory");
        if (i == 2) {
            (void)snprintf(what, sizeof what, "l_%g on the data, N = %g, outer radius %g: integral (error %.1e)", p,
                           depth, options.outer, found.error);
            study_number(s, what, found.value);
            if (depth > 2.0) {
                t->positive = t->positive && found.value > 0.0;
                t->weakest = fmin(t->weakest, found.value / found.error);
            } else if (depth == 1.0) {
                t->zero = t->zero && fabs(found.value) <= found.error;
            }
        }
    }
    (void)snprintf(what, sizeof what, "l_%g, N = %g", p, depth);
    figure_curve(f, what, &c, 0.0);
    curve_free(&c);
    return true;
}

static double norm_at_zero(const study *s, dopt_objective *objective)
{
    const ptrdiff_t d = s->t.cols;
    double *w = calloc((size_t)(2 * d), sizeof *w), sum = NAN;
    if (w && dopt_objective_eval(objective, dopt_cmat_f64(w, 1, d), NULL, NULL, dopt_mat_f64(w + d, 1, d)) == DOPT_OK) {
        sum = 0.0;
        for (ptrdiff_t i = d; i < 2 * d; i++)
            sum += w[i] * w[i];
    }
    free(w);
    return sqrt(sum);
}

static bool of_data(study *s)
{
    figure f;
    tally t = { INFINITY, true, true };
    bool good = figure_begin(&f, s, "circulation", "Integral of the rule's field around the closed curve, on the data",
                             "outer radius R (inner: R/4)", "integral / (|G(0)| R^(3-2/N))", "x");
    for (double p = 2.0; p <= 4.0 && good; p += 2.0) {
        dopt_loss *loss = NULL;
        dopt_objective *objective = NULL;
        good = study_objective(s, p, &loss, &objective);
        for (int i = 0; i < constant_depths && good; i++)
            if (depths[i] != 2.5)
                good = sizes(s, objective, p, depths[i], norm_at_zero(s, objective), &f, &t);
        dopt_objective_destroy(&objective);
        dopt_loss_destroy(&loss);
    }
    if (!good)
        return false;
    study_claim(
        s, verdict_of(t.positive && t.weakest > 10.0, t.zero),
        "The loss of the data has it too: no regulariser can replace depth N > 2",
        "l_2 and l_4, N = 3, 4, 8, outer radius 1e-3: positive, at least %.0e times the error estimate; for N = 1, "
        "where the field is a gradient, 0 within the estimate",
        t.weakest);
    return figure_end(&f);
}

static bool run_study(study *s)
{
    return constant_gradient(s) && of_data(s);
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "circulation",
                              .about = "The integral of the end-to-end rule's field around a closed curve: theorem 2.",
                              .data = true,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
