/* SPDX-License-Identifier: MIT */
/*
 * Figures 3 and 4, l_4, each method at its best learning rate: gradient descent at depth 3 gets ahead of AdaGrad on the
 * plain model, and Adam on the plain model is faster than either. Depth on top of Adam: on l_4 it gains a few per cent
 * at most on problems of this size (examples/adaptive.c shows it on a large one), so this is of l_6, and of most
 * problems.
 */
#include <math.h>

#include "support/regression.h"

static double loss_of(regression *r, dopt_optim_kind kind, int depth, int64_t steps)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = depth == 1 ? DOPT_MODEL_DIRECT : DOPT_MODEL_FACTORED;
    o.depth = depth;
    o.width = 1;
    o.init = DOPT_INIT_BALANCED;
    o.optimizer = kind;
    o.max_steps = steps;
    return regression_tuned(r, o, NULL);
}

static void depth_and_adaptive_methods(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(3); round++) {
        regression r;
        regression_make(&rng, 4.0, 1, &r);
        const double plain = loss_of(&r, DOPT_OPTIM_GD, 1, 500), deep = loss_of(&r, DOPT_OPTIM_GD, 3, 500);
        const double adagrad = loss_of(&r, DOPT_OPTIM_ADAGRAD, 1, 500), adam = loss_of(&r, DOPT_OPTIM_ADAM, 1, 500);
        assert_true(deep < 0.7 * adagrad);
        assert_true(deep < 0.7 * plain);
        assert_true(adam < 0.9 * deep);
        regression_free(&r);
    }
}

static void depth_accelerates_adam(void **state)
{
    (void)state;
    enum { problems = 15 };
    dopt_rng rng = test_rng_begin(__func__);
    int ahead = 0;
    for (int i = 0; i < problems; i++) {
        regression r;
        regression_make(&rng, 6.0, 1, &r);
        ahead += loss_of(&r, DOPT_OPTIM_ADAM, 2, 1000) < 0.9 * loss_of(&r, DOPT_OPTIM_ADAM, 1, 1000);
        regression_free(&r);
    }
    assert_true(2 * ahead > problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(depth_and_adaptive_methods),
                                        cmocka_unit_test(depth_accelerates_adam) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
