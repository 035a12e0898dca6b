/* SPDX-License-Identifier: MIT */
/*
 * Section 7: two points, ([1, 0], y_1) and ([0, 1], y_2), and L(w) = |w_1 - y_1|^p / p + |w_2 - y_2|^p / p.
 *
 *   1. from near 0, gradient descent stays finite iff lr < 2 / y_1^{p-2}
 *   2. p = 4, y_1 large: w_2 crawls at that rate; depth 2 speeds it up by y_1 / (4 eps_1)
 *   3. with and without depth, the error falls like t^{-1/(p-2)} in the end: depth gains a constant
 */
#include <math.h>
#include <stdlib.h>

#include "support/figure.h"
#include "support/study.h"

/* X = I; the mean over two rows, so twice the weight. */
typedef struct points {
    double y[2];
    dopt_loss *loss;
    dopt_objective *objective;
} points;

static const double identity[4] = { 1.0, 0.0, 0.0, 1.0 };

static bool points_make(study *s, double p, double y1, double y2, points *out)
{
    const points made = { .y = { y1, y2 } };
    dopt_loss_options options = DOPT_LOSS_OPTIONS_INIT;
    options.weight = 2.0 / p;
    *out = made;
    return (dopt_loss_create_lp(p, &options, &out->loss) == DOPT_OK &&
            study_create_data(dopt_cmat_f64(identity, 2, 2), dopt_cmat_f64(out->y, 2, 1), out->loss, &out->objective) ==
                DOPT_OK) ||
           study_fail_library(s);
}

static void points_free(points *q)
{
    dopt_objective_destroy(&q->objective);
    dopt_loss_destroy(&q->loss);
}

/* |w_2 - y_2| over steps, or with `power` (p L)^{1/p}, at about 60 steps to the decade; ends a run once it is below
 * `target`. */
typedef struct watch {
    const points *q;
    double power;
    curve error;
    double next, target;
    bool failed;
} watch;

static int on_step(const dopt_event *event, void *user)
{
    watch *h = user;
    const double of_w2 = fabs(((const double *)event->w.data)[1] - h->q->y[1]);
    const double error = h->power > 0.0 ? pow(h->power * event->value, 1.0 / h->power) : of_w2;
    if ((double)event->step >= h->next || error <= h->target) {
        h->failed = !curve_add(&h->error, (double)event->step, error);
        h->next = floor(h->next * 1.04) + 1.0;
    }
    return h->failed || error <= h->target;
}

static dopt_fit_options options_of(double depth, double lr, int64_t steps)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = depth == 1.0 ? DOPT_MODEL_DIRECT : DOPT_MODEL_E2E;
    o.depth = depth;
    o.lr = lr;
    o.max_steps = steps;
    return o;
}

static bool train(study *s, points *q, dopt_fit_options o, double e1, double e2, watch *h, dopt_report *report)
{
    double w[2] = { e1, e2 };
    if (h) {
        h->q = q;
        o.callback = on_step;
        o.user = h;
    }
    if (dopt_fit(q->objective, &o, dopt_mat_f64(w, 1, 2), report) != DOPT_OK)
        return study_fail_library(s);
    return !(h && h->failed) || study_fail(s, "out of memory");
}

/* The largest learning rate that stays finite, by bisection. */
static bool largest_rate(study *s, points *q, double guess, double *out)
{
    double low = 0.0, high = 4.0 * guess;
    for (int i = 0; i < 40; i++) {
        dopt_report report;
        const double middle = 0.5 * (low + high);
        if (!train(s, q, options_of(1.0, middle, 4000), 1e-6, 1e-6, NULL, &report))
            return false;
        if (report.reason == DOPT_STOP_DIVERGED || report.value > 1e6 * report.best_value + 1e6)
            high = middle;
        else
            low = middle;
    }
    *out = low;
    return true;
}

static bool bounds(study *s)
{
    static const double powers[] = { 2.0, 4.0, 6.0 }, heights[] = { 2.0, 10.0 };
    double worst = 0.0;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++) {
            points q;
            double found = 0.0;
            char what[96];
            const double bound = 2.0 / pow(heights[k], powers[i] - 2.0);
            const bool good = points_make(s, powers[i], heights[k], 1.0, &q) && largest_rate(s, &q, bound, &found);
            points_free(&q);
            if (!good)
                return false;
            (void)snprintf(what, sizeof what, "p = %g, y_1 = %g: largest stable learning rate (theory %.6g)", powers[i],
                           heights[k], bound);
            study_number(s, what, found);
            worst = fmax(worst, fabs(found / bound - 1.0));
        }
    study_claim(s,
                worst < 1e-2  ? HOLDS
                : worst < 0.1 ? PARTLY
                              : FAILS,
                "From near 0, gradient descent is stable iff lr < 2 / y_1^{p-2}; for p = 2 this does not depend on y",
                "p = 2, 4, 6 and y_1 = 2, 10: bisection finds the bound to within %.2g %%", 100.0 * worst);
    return true;
}

/* Steps until |w_2 - y_2| <= target at depth 1 and 2, and what the theory says of their ratio. */
static bool speed_up_at(study *s, double y1, double product, figure *f, double *measured, double *predicted)
{
    const double eps1 = product / y1, y2 = 1.0, eps2 = eps1 * y2 / y1, target = 0.02;
    watch plain = { .target = target }, deep = { .target = target };
    dopt_report reports[2];
    points q;
    char name[96];
    bool good = points_make(s, 4.0, y1, y2, &q) &&
                train(s, &q, options_of(1.0, 0.99 * 2.0 / (y1 * y1), 100000000), eps1, eps2, &plain, &reports[0]) &&
                train(s, &q, options_of(2.0, 1.0 / (2.0 * eps1 * y1 * y1), 100000000), eps1, eps2, &deep, &reports[1]);
    points_free(&q);
    if (good) {
        *predicted = y1 / (4.0 * eps1);
        *measured = (double)reports[0].steps / (double)reports[1].steps;
        (void)snprintf(name, sizeof name, "y_1 = %g, depth 1", y1);
        figure_curve(f, name, &plain.error, 0.0);
        (void)snprintf(name, sizeof name, "y_1 = %g, depth 2", y1);
        figure_curve(f, name, &deep.error, 0.0);
        (void)snprintf(name, sizeof name, "y_1 = %g, eps_1 = %g: steps to |w_2 - y_2| = %g, depth 1", y1, eps1, target);
        study_number(s, name, (double)reports[0].steps);
        (void)snprintf(name, sizeof name, "y_1 = %g, eps_1 = %g: steps, depth 2", y1, eps1);
        study_number(s, name, (double)reports[1].steps);
        (void)snprintf(name, sizeof name, "y_1 = %g, eps_1 = %g: speed-up (theory: more than %.4g)", y1, eps1,
                       *predicted);
        study_number(s, name, *measured);
        good = reports[1].reason == DOPT_STOP_CALLBACK || study_fail(s, "depth 2 did not get there");
    }
    curve_free(&plain.error);
    curve_free(&deep.error);
    return good;
}

static bool speed_up(study *s)
{
    static const double heights[] = { 10.0, 30.0, 100.0 };
    const int count = s->quick ? 2 : 3;
    double low = INFINITY, high = 0.0;
    figure f;
    bool good = figure_begin(&f, s, "two_points", "Two points, p = 4: how the small coordinate gets there", "steps",
                             "|w_2 - y_2|", "xy");
    for (int i = 0; i < count && good; i++) {
        double measured = 0.0, predicted = 1.0;
        good = speed_up_at(s, heights[i], 0.5, &f, &measured, &predicted);
        low = fmin(low, measured / predicted);
        high = fmax(high, measured / predicted);
    }
    if (!good)
        return false;
    study_claim(s, verdict_of(low > 0.95, high > 0.5),
                "Depth 2 speeds up the small coordinate by more than y_1 / (4 eps_1) (section 7, appendix B)",
                "measured speed-up over y_1 / (4 eps_1): %.2f to %.2f, for y_1 = 10 to %g", low, high,
                heights[count - 1]);
    return figure_end(&f);
}

/* Slope of log error over log t in the last part of a run. */
static bool exponent(study *s, double p, double depth, int64_t steps, figure *f, double *out)
{
    points q;
    watch h = { .power = p };
    dopt_report report;
    char name[96];
    bool good = points_make(s, p, 2.0, 1.0, &q) &&
                train(s, &q, options_of(depth, depth == 1.0 ? 0.05 : 0.1, steps), 0.2, 0.1, &h, &report);
    points_free(&q);
    if (good) {
        const double last = (double)report.steps, from = 0.1 * last;
        *out = log(curve_at(&h.error, last) / curve_at(&h.error, from)) / log(10.0);
        (void)snprintf(name, sizeof name, "p = %g, depth %g", p, depth);
        figure_curve(f, name, &h.error, 0.0);
        (void)snprintf(name, sizeof name, "p = %g, depth %g: exponent of (p L)^(1/p) at the end (theory %.4g)", p,
                       depth, -1.0 / (p - 2.0));
        study_number(s, name, *out);
    }
    curve_free(&h.error);
    return good;
}

static bool exponents(study *s)
{
    double worst = 0.0;
    figure f;
    bool good =
        figure_begin(&f, s, "two_points_exponent", "Two points: the rate in the end", "steps", "(p L)^(1/p)", "xy");
    for (double p = 4.0; p <= 6.0; p += 2.0)
        for (double depth = 1.0; depth <= 3.0 && good; depth += 1.0) {
            double found = 0.0;
            good = exponent(s, p, depth, s->steps, &f, &found);
            worst = fmax(worst, fabs(found * (p - 2.0) + 1.0));
        }
    if (!good)
        return false;
    study_claim(s,
                worst < 0.05  ? HOLDS
                : worst < 0.2 ? PARTLY
                              : FAILS,
                "Depth changes the constant, not the asymptotic rate t^{-1/(p-2)}",
                "p = 4 and 6, depth 1, 2 and 3: the exponent to within %.1f %%", 100.0 * worst);
    return figure_end(&f);
}

static bool run_study(study *s)
{
    return bounds(s) && speed_up(s) && exponents(s);
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "two_points",
                              .about =
                                  "The problem of two points: step-size bounds, speed-up by depth 2, and the rate\n"
                                  "in the end (section 7, appendix B).",
                              .steps = 1000000,
                              .quick = 1000000,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
