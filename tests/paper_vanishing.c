/* SPDX-License-Identifier: MIT */
/* Figure 5, left: near-zero factors of a deep network stall, factors near the identity or in balance do not. */
#include <math.h>

#include "support/regression.h"

/* What is left of the first loss after 500 steps. */
static double left(regression *r, int depth, dopt_init init)
{
    double w[REGRESSION_COLS];
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    dopt_report report;
    o.model = DOPT_MODEL_FACTORED;
    o.depth = depth;
    o.width = 1;
    o.init = init;
    o.seed = 5;
    o.lr = 1e-2;
    o.max_steps = 0;
    ASSERT_OK(dopt_fit(r->objective, &o, dopt_mat_f64(w, 1, REGRESSION_COLS), &report));
    const double first = report.value;
    o.max_steps = 500;
    ASSERT_OK(dopt_fit(r->objective, &o, dopt_mat_f64(w, 1, REGRESSION_COLS), &report));
    assert_int_equal(report.reason, DOPT_STOP_STEPS);
    return report.value / first;
}

static void depth_vanishes_from_near_zero_alone(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    regression r;
    regression_make(&rng, 4.0, 1, &r);
    for (int depth = 4; depth <= 8; depth += 4) {
        assert_true(left(&r, depth, DOPT_INIT_NORMAL) > 0.999);
        assert_true(left(&r, depth, DOPT_INIT_IDENTITY) < 0.5); /* it starts near: the first feature alone says much */
        assert_true(left(&r, depth, DOPT_INIT_BALANCED) < 0.2);
    }
    assert_true(left(&r, 1, DOPT_INIT_NORMAL) < 0.2); /* depth 1 starts as near to zero */
    regression_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(depth_vanishes_from_near_zero_alone) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
