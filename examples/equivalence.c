/* SPDX-License-Identifier: MIT */
/*
 * Theorem 1: depth moves the end-to-end matrix by the end-to-end rule, whatever the hidden widths.
 *
 *   1. from balanced factors, the gap between both over the learning rate: second order in a step, first order at a
 *      fixed time; with weight decay and with several outputs too
 *   2. networks of different widths from the same balanced W: the same path to rounding
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/figure.h"
#include "support/study.h"

enum { outputs = 4, rates = 4 };

/* A regression with `k` outputs, the target and the first features, on the other features. */
typedef struct problem {
    ptrdiff_t k, d;
    double *x, *y, *w0, *w[2];
    dopt_loss *loss;
    dopt_objective *objective;
} problem;

static bool problem_make(study *s, ptrdiff_t k, problem *out)
{
    const table *t = &s->t;
    problem q = { .k = k, .d = t->cols - k + 1 };
    dopt_rng rng = dopt_rng_init((uint64_t)s->seed, 5);
    q.x = malloc((size_t)(t->rows * t->cols + t->rows) * sizeof *q.x);
    q.w0 = malloc((size_t)(3 * q.k * q.d) * sizeof *q.w0);
    *out = q;
    if (!q.x || !q.w0)
        return study_fail(s, "out of memory");
    out->y = q.x + t->rows * q.d;
    out->w[0] = q.w0 + k * q.d;
    out->w[1] = out->w[0] + k * q.d;
    for (ptrdiff_t i = 0; i < t->rows; i++) {
        memcpy(q.x + i * q.d, t->x + i * t->cols + k - 1, (size_t)q.d * sizeof *q.x);
        out->y[i * k] = t->y[i];
        for (ptrdiff_t c = 1; c < k; c++)
            out->y[i * k + c] = t->x[i * t->cols + c - 1];
    }
    if (dopt_rng_fill_normal(&rng, dopt_mat_f64(q.w0, k, q.d), 0.05) != DOPT_OK ||
        dopt_loss_create_lp(4.0, NULL, &out->loss) != DOPT_OK ||
        study_create_data(dopt_cmat_f64(q.x, t->rows, q.d), dopt_cmat_f64(out->y, t->rows, k), out->loss,
                          &out->objective) != DOPT_OK)
        return study_fail_library(s);
    return true;
}

static void problem_free(problem *q)
{
    dopt_objective_destroy(&q->objective);
    dopt_loss_destroy(&q->loss);
    free(q->x);
    free(q->w0);
}

static bool train(study *s, problem *q, dopt_fit_options o, double *w)
{
    memcpy(w, q->w0, (size_t)(q->k * q->d) * sizeof *w);
    return dopt_fit(q->objective, &o, dopt_mat_f64(w, q->k, q->d), NULL) == DOPT_OK || study_fail_library(s);
}

/* || w_0 - w_1 || / || w_1 ||. */
static double relative_gap(const problem *q)
{
    double gap = 0.0, norm = 0.0;
    for (ptrdiff_t i = 0; i < q->k * q->d; i++) {
        gap += (q->w[0][i] - q->w[1][i]) * (q->w[0][i] - q->w[1][i]);
        norm += q->w[1][i] * q->w[1][i];
    }
    return sqrt(gap / norm);
}

static dopt_fit_options options_of(dopt_model model, double depth, double lr, double decay, int64_t steps)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = model;
    o.depth = depth;
    o.lr = lr;
    o.weight_decay = decay;
    o.max_steps = steps;
    return o;
}

/* Slope of log y over log x by least squares. */
static double slope_of(const curve *c)
{
    double sx = 0.0, sy = 0.0, sxx = 0.0, sxy = 0.0, n = (double)c->count;
    for (size_t i = 0; i < c->count; i++) {
        const double x = log(c->x[i]), y = log(c->y[i]);
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

/* The learning rate with which a step moves W by a hundredth of its size at first. */
static bool natural_rate(study *s, problem *q, double depth, double *out)
{
    const double tiny = 1e-9;
    double move = 0.0, norm = 0.0;
    if (!train(s, q, options_of(DOPT_MODEL_E2E, depth, tiny, 0.0, 1), q->w[0]))
        return false;
    for (ptrdiff_t i = 0; i < q->k * q->d; i++) {
        move += (q->w[0][i] - q->w0[i]) * (q->w[0][i] - q->w0[i]);
        norm += q->w0[i] * q->w0[i];
    }
    *out = 1e-2 * tiny * sqrt(norm / move);
    return true;
}

/* The gap after one step, or after the time of 20 steps at the largest learning rate. */
static bool gap_curve(study *s, problem *q, double depth, double decay, bool one_step, curve *out)
{
    double largest;
    if (!natural_rate(s, q, depth, &largest))
        return false;
    for (int i = 0; i < rates; i++) {
        const double lr = largest * pow(0.5, i);
        const int64_t steps = one_step ? 1 : 20 << i;
        if (!train(s, q, options_of(DOPT_MODEL_FACTORED, depth, lr, decay, steps), q->w[0]) ||
            !train(s, q, options_of(DOPT_MODEL_E2E, depth, lr, decay, steps), q->w[1]))
            return false;
        if (!curve_add(out, lr, relative_gap(q)))
            return study_fail(s, "out of memory");
    }
    return true;
}

static bool gap_case(study *s, problem *q, double depth, double decay, figure *f, double worst[2])
{
    char name[128];
    for (int one_step = 0; one_step < 2; one_step++) {
        curve c = { 0 };
        bool good = gap_curve(s, q, depth, decay, one_step, &c);
        if (good) {
            const double slope = slope_of(&c);
            (void)snprintf(name, sizeof name, "depth %g, %td output%s%s, %s", depth, q->k, q->k > 1 ? "s" : "",
                           decay > 0.0 ? ", weight decay" : "", one_step ? "one step" : "fixed time");
            figure_curve(f, name, &c, 0.0);
            (void)snprintf(name, sizeof name, "slope of the gap over the learning rate: depth %g, k = %td%s, %s", depth,
                           q->k, decay > 0.0 ? ", weight decay" : "", one_step ? "one step" : "fixed time");
            study_number(s, name, slope);
            worst[one_step] = fmax(worst[one_step], fabs(slope - (one_step ? 2.0 : 1.0)));
        }
        curve_free(&c);
        if (!good)
            return false;
    }
    return true;
}

/* m <- q m, or m q^T from the right; q is n x n, m has n rows or columns. `scratch`: as many numbers as m. */
static void rotate(dopt_cmat q, dopt_mat m, bool right, double *scratch)
{
    const double *from = q.data;
    double *to = m.data;
    for (ptrdiff_t r = 0; r < m.rows; r++)
        for (ptrdiff_t c = 0; c < m.cols; c++) {
            double sum = 0.0;
            for (ptrdiff_t i = 0; i < q.rows; i++)
                sum += right ? to[r * m.cols + i] * from[c * q.rows + i] : from[r * q.rows + i] * to[i * m.cols + c];
            scratch[r * m.cols + c] = sum;
        }
    memcpy(to, scratch, (size_t)(m.rows * m.cols) * sizeof *to);
}

/* A balanced net of this width with the product w0, its hidden layers turned by random rotations: every entry of every
 * factor is in use, where the plain form has zeros. */
static bool make_net(study *s, problem *q, ptrdiff_t width, dopt_net **net, dopt_net **rotation, double *scratch)
{
    const ptrdiff_t dims[] = { q->d, width, width, q->k }, square[] = { width, width };
    dopt_rng rng = dopt_rng_init((uint64_t)s->seed, 6);
    if (dopt_net_create(DOPT_F64, 3, dims, NULL, net) != DOPT_OK ||
        dopt_net_create(DOPT_F64, 1, square, NULL, rotation) != DOPT_OK ||
        dopt_net_init_balanced(*net, dopt_cmat_f64(q->w0, q->k, q->d)) != DOPT_OK)
        return study_fail_library(s);
    for (int j = 1; j < 3; j++) {
        if (dopt_net_init_orthogonal(*rotation, &rng, 1.0) != DOPT_OK)
            return study_fail_library(s);
        rotate(dopt_const(dopt_net_factor(*rotation, 1)), dopt_net_factor(*net, j), false, scratch);
        rotate(dopt_const(dopt_net_factor(*rotation, 1)), dopt_net_factor(*net, j + 1), true, scratch);
    }
    return true;
}

static bool train_net(study *s, problem *q, dopt_net *net, int64_t steps, double *w)
{
    dopt_optim *gd = NULL;
    double *grad = calloc((size_t)(q->k * q->d), sizeof *grad);
    dopt_status status = grad ? dopt_optim_create(DOPT_OPTIM_GD, &gd) : DOPT_ERR_NOMEM;
    if (status == DOPT_OK)
        status = dopt_optim_set(gd, DOPT_LR, 1e-4);
    for (int64_t t = 0; t <= steps && status == DOPT_OK; t++) {
        status = dopt_net_product(net, dopt_mat_f64(w, q->k, q->d));
        if (status == DOPT_OK)
            status = dopt_objective_eval(q->objective, dopt_cmat_f64(w, q->k, q->d), NULL, NULL,
                                         dopt_mat_f64(grad, q->k, q->d));
        if (status == DOPT_OK && t < steps)
            status = dopt_step(gd, net, dopt_cmat_f64(grad, q->k, q->d));
    }
    dopt_optim_destroy(&gd);
    free(grad);
    return status == DOPT_OK || study_fail_library(s);
}

/* Networks of several widths, each turned at random, against the narrowest. */
static bool widths(study *s, problem *q, double *most)
{
    const ptrdiff_t wide[] = { q->k, q->k + 1, 10, 100 };
    const int64_t steps = s->quick ? 200 : 2000;
    double *scratch = calloc((size_t)(100 * (q->d + 100)), sizeof *scratch);
    bool good = scratch != NULL;
    for (int i = 0; i < 4 && good; i++) {
        char what[96];
        dopt_net *net = NULL, *rotation = NULL;
        good = make_net(s, q, wide[i], &net, &rotation, scratch) && train_net(s, q, net, steps, q->w[i == 0]);
        dopt_net_destroy(&rotation);
        dopt_net_destroy(&net);
        if (i == 0 || !good)
            continue;
        const double gap = relative_gap(q);
        (void)snprintf(what, sizeof what, "width %td against %td, k = %td, depth 3, %lld steps: relative gap of W",
                       wide[i], wide[0], q->k, (long long)steps);
        study_number(s, what, gap);
        *most = fmax(*most, gap);
    }
    free(scratch);
    return good;
}

static bool gaps(study *s)
{
    figure f;
    double worst[2] = { 0.0, 0.0 }, apart = 0.0;
    if (s->t.cols < outputs)
        return study_fail(s, "%s has %td features, needs %d or more: the first %d become outputs", s->data_name,
                          s->t.cols, outputs, outputs - 1);
    bool good = figure_begin(&f, s, "gap", "Relative gap between factors and rule, l_4, balanced start",
                             "learning rate", "|W of the factors - W of the rule| / |W|", "xy");
    for (ptrdiff_t k = 1; k <= outputs && good; k += outputs - 1) {
        problem q = { 0 };
        good = problem_make(s, k, &q) && widths(s, &q, &apart);
        for (int depth = 2; depth <= 3 && good; depth++)
            for (int decay = 0; decay < 2 && good; decay++)
                good = gap_case(s, &q, depth, 0.5 * decay, &f, worst);
        problem_free(&q);
    }
    if (!good)
        return false;
    study_claim(
        s, verdict_of(worst[0] < 0.15, worst[1] < 0.15),
        "From a balanced start the rule is the first order of what the factors do (theorem 1), with weight decay "
        "and several outputs too",
        "the gap is of order lr^2 in a step (slope 2 to within %.3f) and lr at a fixed time (slope 1 to within %.3f)",
        worst[1], worst[0]);
    study_claim(s, apart < 1e-9 ? HOLDS : FAILS, "The path of W depends on the depth, not on the hidden widths",
                "widths up to 100 from the same balanced W, hidden layers turned at random: W the same to %.1e", apart);
    return figure_end(&f);
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "equivalence",
                              .about = "Factors beside the end-to-end rule: the gap over the learning rate, and\n"
                                       "hidden widths (theorem 1).",
                              .data = true,
                              .run = gaps };
    return study_main(argc, argv, &plan);
}
