/* SPDX-License-Identifier: MIT */
/*
 * Observation 1: depth 2 with a scalar hidden layer, w = w_2 w_1, is gradient descent with an adaptive learning rate
 * and a memory of all past gradients.
 *
 *   1. the recursion w <- w - rho g - gamma w: its iterates rebuilt from the past gradients alone
 *   2. what it leaves out of gradient descent on (w_1, w_2), lr^2 (dL/dw_2) (dL/dw_1), over the learning rate
 *   3. the weights of the past gradients, as a heat map
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/figure.h"
#include "support/study.h"

/* A run of either kind, and what it saw: row t of `w` and of `grad` belong to step t, from 0. */
typedef struct history {
    ptrdiff_t steps, d;
    double *w, *grad;       /* (steps + 1) x d, steps x d */
    double *hidden, *slope; /* steps: w_2, dL/dw_2 */
    double *memory;
    double dropped; /* largest lr^2 |dL/dw_2| ||dL/dw_1|| over the length of the step */
} history;

static bool history_make(study *s, ptrdiff_t steps, history *out)
{
    const ptrdiff_t d = s->t.cols;
    history h = { .steps = steps, .d = d };
    h.memory = calloc((size_t)((2 * steps + 1) * d + 2 * steps), sizeof *h.memory);
    *out = h;
    if (!h.memory)
        return study_fail(s, "out of memory");
    out->w = h.memory;
    out->grad = out->w + (steps + 1) * d;
    out->hidden = out->grad + steps * d;
    out->slope = out->hidden + steps;
    return true;
}

static double dot(ptrdiff_t d, const double *a, const double *b)
{
    double sum = 0.0;
    for (ptrdiff_t i = 0; i < d; i++)
        sum += a[i] * b[i];
    return sum;
}

/* w^1: near zero, w_1 ~ N(0, 0.1^2) and w_2 = 0.1 or -0.1, whichever makes |w_2| grow at first. Else it would pass
 * through 0, where gamma has no value. */
static bool start(study *s, dopt_objective *objective, history *h, double *w1)
{
    dopt_rng rng = dopt_rng_init((uint64_t)s->seed, 3);
    if (dopt_objective_eval(objective, dopt_cmat_f64(h->w, 1, h->d), NULL, NULL, dopt_mat_f64(h->grad, 1, h->d)) !=
        DOPT_OK)
        return study_fail_library(s);
    for (ptrdiff_t i = 0; i < h->d; i++)
        w1[i] = 0.1 * dopt_rng_normal(&rng);
    h->hidden[0] = dot(h->d, w1, h->grad) < 0.0 ? 0.1 : -0.1;
    for (ptrdiff_t i = 0; i < h->d; i++)
        h->w[i] = h->hidden[0] * w1[i];
    return true;
}

/* Gradient descent on (w_1, w_2), or the recursion: they differ in the term of order lr^2. */
static bool run(study *s, dopt_objective *objective, double lr, bool exact, history *h)
{
    const ptrdiff_t d = h->d;
    double *w1 = calloc((size_t)d, sizeof *w1);
    bool good = w1 ? start(s, objective, h, w1) : study_fail(s, "out of memory");
    for (ptrdiff_t t = 0; t < h->steps && good; t++) {
        const double *w = h->w + t * d, *g = h->grad + t * d, w2 = h->hidden[t];
        double *next = h->w + (t + 1) * d, length = 0.0;
        good = dopt_objective_eval(objective, dopt_cmat_f64(w, 1, d), NULL, NULL,
                                   dopt_mat_f64(h->grad + t * d, 1, d)) == DOPT_OK ||
               study_fail_library(s);
        const double slope = dot(d, w, g) / w2, rho = lr * w2 * w2, gamma = lr * slope / w2;
        for (ptrdiff_t i = 0; i < d; i++) {
            const double move = rho * g[i] + gamma * w[i] - (exact ? lr * lr * slope * w2 * g[i] : 0.0);
            next[i] = w[i] - move;
            length += move * move;
        }
        h->slope[t] = slope;
        h->dropped = fmax(h->dropped, lr * lr * fabs(slope * w2) * sqrt(dot(d, g, g) / length));
        if (t + 1 < h->steps)
            h->hidden[t + 1] = w2 - lr * slope;
    }
    free(w1);
    return good;
}

/* w^{t+1} from w^1 and the gradients by the weights; the largest relative distance from the run. */
static double rebuild_error(const history *h, const double *weights, double *w)
{
    const ptrdiff_t d = h->d, row = h->steps + 1;
    double worst = 0.0;
    memcpy(w, h->w, (size_t)d * sizeof *w);
    for (ptrdiff_t t = 0; t < h->steps; t++) {
        const double *want = h->w + (t + 1) * d;
        double error = 0.0;
        for (ptrdiff_t i = 0; i < d; i++) {
            double move = weights[t * row] * h->w[i];
            for (ptrdiff_t tau = 0; tau <= t; tau++)
                move += weights[t * row + tau + 1] * h->grad[tau * d + i];
            w[i] -= move;
            error += (w[i] - want[i]) * (w[i] - want[i]);
        }
        worst = fmax(worst, sqrt(error / dot(d, want, want)));
    }
    return worst;
}

/* The weights of gradients in the steps, over that of the present one; the part of the past ones that are positive. */
static bool draw_weights(study *s, const history *h, const double *weights)
{
    const ptrdiff_t n = h->steps, row = n + 1;
    double *map = malloc((size_t)(n * n) * sizeof *map);
    long positive = 0, growing = 0;
    if (!map)
        return study_fail(s, "out of memory");
    for (ptrdiff_t t = 0; t < n; t++)
        for (ptrdiff_t tau = 0; tau < n; tau++) {
            const double weight = weights[t * row + tau + 1] / weights[t * row + t + 1];
            map[t * n + tau] = tau <= t && weight > 0.0 ? log10(weight) : NAN;
            if (tau < t && h->slope[t] / h->hidden[t] < 0.0) {
                growing++;
                positive += weight > 0.0;
            }
        }
    study_claim(s, growing > 0 && positive == growing ? HOLDS : FAILS,
                "While |w_2| grows, every past gradient still pulls: momentum",
                "|w_2| grows in %.0f %% of the steps; in these, %ld of %ld weights of past gradients are positive",
                100.0 * (double)growing / (0.5 * (double)(n * (n - 1))), positive, growing);
    const bool good =
        figure_heat_map(s, "memory", "log10 of the weight of gradient tau in step t, over that of gradient t (depth 2)",
                        "gradient tau", "step t", n, n, map);
    free(map);
    return good;
}

static bool past_gradients(study *s, dopt_objective *objective, double lr)
{
    const ptrdiff_t n = (ptrdiff_t)s->steps;
    history h;
    double *weights = calloc((size_t)(n * (n + 1) + s->t.cols), sizeof *weights);
    bool good = history_make(s, n, &h) && weights && run(s, objective, lr, false, &h);
    if (good && dopt_analysis_memory(lr, n, h.hidden, h.slope, dopt_mat_f64(weights, n, n + 1)) != DOPT_OK)
        good = study_fail_library(s);
    if (good) {
        const double error = rebuild_error(&h, weights, weights + n * (n + 1));
        study_claim(s, error < 10.0 * (double)n * DBL_EPSILON ? HOLDS : FAILS,
                    "The iterates are a sum over past gradients, with the weights rho and mu (observation 1)",
                    "%td iterates of the recursion rebuilt from past gradients alone: relative error at most %.1e", n,
                    error);
        study_number(s, "w_2 at the end (0.1 or -0.1 at first)", h.hidden[n - 1]);
        good = draw_weights(s, &h, weights);
    }
    free(weights);
    free(h.memory);
    return good;
}

/* At a fixed time, for one learning rate: the dropped term in a step, and how far it has brought the runs apart. */
static bool dropped_at(study *s, dopt_objective *objective, double lr, ptrdiff_t steps, double *term, double *gap)
{
    history h[2] = { 0 };
    bool good = history_make(s, steps, &h[0]) && history_make(s, steps, &h[1]) && run(s, objective, lr, false, &h[0]) &&
                run(s, objective, lr, true, &h[1]);
    if (good) {
        const double *a = h[0].w + steps * h[0].d, *b = h[1].w + steps * h[1].d;
        double sum = 0.0;
        for (ptrdiff_t i = 0; i < h[0].d; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        *gap = sqrt(sum / dot(h[0].d, b, b));
        *term = h[1].dropped;
    }
    free(h[0].memory);
    free(h[1].memory);
    return good;
}

static bool dropped_term(study *s, dopt_objective *objective, double largest)
{
    enum { rates = 4 };
    curve terms = { 0 }, gaps = { 0 };
    figure f;
    bool good = figure_begin(&f, s, "memory_dropped", "What the recursion leaves out", "learning rate",
                             "relative to the step, or to w", "xy");
    for (int i = 0; i < rates && good; i++) {
        const double lr = largest * pow(0.5, i);
        double term = 0.0, gap = 0.0;
        good = dropped_at(s, objective, lr, (ptrdiff_t)s->steps << i, &term, &gap) &&
               ((curve_add(&terms, lr, term) && curve_add(&gaps, lr, gap)) || study_fail(s, "out of memory"));
    }
    if (good) {
        const double first = log2(terms.y[0] / terms.y[rates - 1]) / (rates - 1);
        const double second = log2(gaps.y[0] / gaps.y[rates - 1]) / (rates - 1);
        figure_curve(&f, "dropped term over the length of the step, largest", &terms, 0.0);
        figure_curve(&f, "gap of w at a fixed time", &gaps, 0.0);
        study_claim(
            s, verdict_of(fabs(first - 1.0) < 0.1, fabs(second - 1.0) < 0.1),
            "What the recursion leaves out of gradient descent on (w_1, w_2) is of order lr^2",
            "over the step, which is of order lr, it is %.1e to %.1e, slope %.3f; at a fixed time the runs are %.1e "
            "to %.1e apart, slope %.3f",
            terms.y[rates - 1], terms.y[0], first, gaps.y[rates - 1], gaps.y[0], second);
        good = figure_end(&f);
    }
    curve_free(&terms);
    curve_free(&gaps);
    return good;
}

static bool run_study(study *s)
{
    dopt_loss *loss = NULL;
    dopt_objective *objective = NULL;
    const double lr = 1e-3;
    if (s->steps < 2)
        return study_fail(s, "--steps %lld: must be 2 or more, the first has no past", (long long)s->steps);
    const bool good = study_objective(s, 4.0, &loss, &objective) && past_gradients(s, objective, lr) &&
                      dropped_term(s, objective, lr);
    dopt_objective_destroy(&objective);
    dopt_loss_destroy(&loss);
    return good;
}

int main(int argc, char **argv)
{
    const study_plan plan = { .name = "memory",
                              .about = "Depth 2 as momentum: the weights of past gradients (observation 1).",
                              .steps = 300,
                              .quick = 200,
                              .data = true,
                              .run = run_study };
    return study_main(argc, argv, &plan);
}
