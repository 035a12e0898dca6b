/* SPDX-License-Identifier: MIT */
/*
 * Beyond the paper: real depths train like what lies between the integers, and a very deep rule like the limit; with
 * one output the limit only moves w along itself.
 */
#include <math.h>

#include "support/regression.h"

enum { cols = REGRESSION_COLS };

static double train(regression *r, double depth, double lr, double *w)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    dopt_report report;
    o.depth = depth;
    o.init = DOPT_INIT_BALANCED;
    o.init_std = 0.1;
    o.seed = 4;
    o.lr = lr;
    o.max_steps = 1000;
    ASSERT_OK(dopt_fit(r->objective, &o, dopt_mat_f64(w, r->outputs, cols), &report));
    assert_int_equal(report.reason, DOPT_STOP_STEPS);
    return report.value;
}

/* The loss at 2.5 and beside it: a small change of depth is a small change of the run. */
static void depth_acts_continuously(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    regression r;
    double w[2 * cols];
    regression_make(&rng, 4.0, 2, &r);
    const double two = train(&r, 2.0, 1e-2, w), half = train(&r, 2.5, 1e-2, w), three = train(&r, 3.0, 1e-2, w);
    assert_true((two - half) * (half - three) > 0.0); /* strictly between */
    const double up = train(&r, 2.501, 1e-2, w), down = train(&r, 2.499, 1e-2, w);
    ASSERT_CLOSE(up + down - 2.0 * half, 0.0, 0.05 * fabs(up - down));
    assert_true(up != down);
    regression_free(&r);
}

static void the_limit_is_that_of_deep_rules(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    regression r;
    double deep[2 * cols], limit[2 * cols];
    const dopt_cmat a = dopt_cmat_f64(deep, 2, cols), b = dopt_cmat_f64(limit, 2, cols);
    regression_make(&rng, 4.0, 2, &r);
    (void)train(&r, INFINITY, 0.1, limit);
    double last = INFINITY;
    for (double depth = 1e2; depth <= 1e4; depth *= 10.0) { /* P_N / N: the rate is divided by N */
        (void)train(&r, depth, 0.1 / depth, deep);
        const double gap = test_distance(a, b) / test_norm(b);
        assert_true(gap < 0.5 * last);
        last = gap;
    }
    assert_true(last < 0.1);
    regression_free(&r);
}

static void one_output_only_stretches_in_the_limit(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    regression r;
    double first[cols], w[cols], dot = 0.0;
    regression_make(&rng, 4.0, 1, &r);
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.init = DOPT_INIT_BALANCED;
    o.init_std = 0.1;
    o.seed = 4;
    o.max_steps = 0;
    ASSERT_OK(dopt_fit(r.objective, &o, dopt_mat_f64(first, 1, cols), NULL));
    (void)train(&r, INFINITY, 0.1, w);
    for (int i = 0; i < cols; i++)
        dot += first[i] * w[i];
    const double a = test_norm(dopt_cmat_f64(first, 1, cols)), b = test_norm(dopt_cmat_f64(w, 1, cols));
    ASSERT_CLOSE(fabs(dot) / (a * b), 1.0, 1e-12);
    assert_true(fabs(b / a - 1.0) > 0.01); /* it has moved */
    regression_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(depth_acts_continuously),
                                        cmocka_unit_test(the_limit_is_that_of_deep_rules),
                                        cmocka_unit_test(one_output_only_stretches_in_the_limit) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
