/* SPDX-License-Identifier: MIT */
/*
 * Observation 1: gradient descent on (w_1, w_2), w = w_2 w_1, is a sum over past gradients with the weights of
 * dopt_analysis_memory(), but for lr^2 (dL/dw_2) (dL/dw_1) in each step.
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "support/regression.h"

enum { steps = 60, d = REGRESSION_COLS };

typedef struct history {
    double w[steps + 1][d], grad[steps][d], hidden[steps], slope[steps];
} history;

/* Gradient descent on the factors themselves, or the recursion without the term of order lr^2. */
static void run(regression *r, double lr, bool exact, history *h)
{
    double w1[d], w2;
    dopt_rng rng = dopt_rng_init(3, 0);
    for (int i = 0; i < d; i++)
        w1[i] = 0.1 * dopt_rng_normal(&rng);
    w2 = 0.1;
    for (int i = 0; i < d; i++)
        h->w[0][i] = w2 * w1[i];
    for (int t = 0; t < steps; t++) {
        ASSERT_OK(dopt_objective_eval(r->objective, dopt_cmat_f64(h->w[t], 1, d), NULL, NULL,
                                      dopt_mat_f64(h->grad[t], 1, d)));
        h->hidden[t] = w2;
        h->slope[t] = 0.0;
        for (int i = 0; i < d; i++)
            h->slope[t] += h->grad[t][i] * (exact ? w1[i] : h->w[t][i] / w2);
        const double rho = lr * w2 * w2, gamma = lr * h->slope[t] / w2;
        for (int i = 0; i < d; i++)
            w1[i] -= lr * w2 * h->grad[t][i];
        w2 -= lr * h->slope[t];
        for (int i = 0; i < d; i++)
            h->w[t + 1][i] = exact ? w2 * w1[i] : h->w[t][i] - rho * h->grad[t][i] - gamma * h->w[t][i];
    }
}

/* Distance of the last iterate from what the past gradients and their weights give, relative. */
static double rebuilt(const history *h, double lr)
{
    static double weights[steps][steps + 1];
    double w[d], error = 0.0, norm = 0.0;
    ASSERT_OK(dopt_analysis_memory(lr, steps, h->hidden, h->slope, dopt_mat_f64(weights[0], steps, steps + 1)));
    for (int i = 0; i < d; i++) {
        w[i] = h->w[0][i];
        for (int t = 0; t < steps; t++) {
            w[i] -= weights[t][0] * h->w[0][i];
            for (int tau = 0; tau <= t; tau++)
                w[i] -= weights[t][tau + 1] * h->grad[tau][i];
        }
        error += (w[i] - h->w[steps][i]) * (w[i] - h->w[steps][i]);
        norm += h->w[steps][i] * h->w[steps][i];
    }
    return sqrt(error / norm);
}

static void iterates_are_sums_over_past_gradients(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    static history truncated, coarse, fine;
    regression r;
    regression_make(&rng, 4.0, 1, &r);
    run(&r, 1e-2, false, &truncated);
    assert_true(rebuilt(&truncated, 1e-2) < 30 * steps * DBL_EPSILON);
    assert_true(fabs(truncated.hidden[steps - 1]) > 0.2); /* it has left zero, so gamma has mattered */
    run(&r, 1e-4, true, &coarse);
    run(&r, 1e-5, true, &fine);
    /* As many steps at a tenth of the rate: a tenth of the way, and a hundredth of what is dropped. */
    ASSERT_CLOSE(log10(rebuilt(&coarse, 1e-4) / rebuilt(&fine, 1e-5)), 2.0, 0.15);
    regression_free(&r);
}

/* In a step the dropped term is lr^2 (dL/dw_2) (dL/dw_1) to rounding. */
static void the_dropped_term_is_known(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    static history exact;
    regression r;
    const double lr = 1e-2;
    regression_make(&rng, 4.0, 1, &r);
    run(&r, lr, true, &exact);
    for (int t = 0; t < steps; t++)
        for (int i = 0; i < d; i++) {
            const double w2 = exact.hidden[t], g = exact.grad[t][i];
            const double recursion = exact.w[t][i] - lr * w2 * w2 * g - lr * exact.slope[t] / w2 * exact.w[t][i];
            ASSERT_CLOSE(exact.w[t + 1][i] - recursion, lr * lr * exact.slope[t] * w2 * g, 1e-14);
        }
    regression_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(iterates_are_sums_over_past_gradients),
                                        cmocka_unit_test(the_dropped_term_is_known) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
