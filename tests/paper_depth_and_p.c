/* SPDX-License-Identifier: MIT */
/*
 * Figure 2: each depth at its best learning rate, depth does not accelerate l_2 regression and does accelerate l_4 and
 * l_6. The optimum is near 0 beside the losses that are compared, so these are compared as they are.
 */
#include <math.h>

#include "support/regression.h"

/* Loss after 2000 steps at depth 1, and the least one at depths 2 and 3, from the same W. */
static void run(const char *test, double p, double *plain, double *deep)
{
    regression r;
    dopt_rng rng = test_rng_begin(test);
    regression_make(&rng, p, 1, &r);
    *deep = INFINITY;
    for (int depth = 1; depth <= 3; depth++) {
        dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
        o.depth = depth;
        o.init = DOPT_INIT_BALANCED;
        o.max_steps = 2000;
        const double loss = regression_tuned(&r, o, NULL);
        *(depth == 1 ? plain : deep) = depth == 1 ? loss : fmin(*deep, loss);
    }
    regression_free(&r);
}

static void l2_is_not_accelerated(void **state)
{
    double plain = NAN, deep = NAN;
    (void)state;
    run(__func__, 2.0, &plain, &deep);
    assert_true(deep > 0.97 * plain);
}

static void l4_is_accelerated(void **state)
{
    double plain = NAN, deep = NAN;
    (void)state;
    run(__func__, 4.0, &plain, &deep);
    assert_true(deep < 0.7 * plain);
}

static void l6_is_accelerated_more(void **state)
{
    double plain = NAN, deep = NAN;
    (void)state;
    run(__func__, 6.0, &plain, &deep);
    assert_true(deep < 0.3 * plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(l2_is_not_accelerated), cmocka_unit_test(l4_is_accelerated),
                                        cmocka_unit_test(l6_is_accelerated_more) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
