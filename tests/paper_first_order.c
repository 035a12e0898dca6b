/* SPDX-License-Identifier: MIT */
/*
 * Theorem 1: one gradient step on balanced factors moves W as the end-to-end rule says, up to O(lr^2). The slope of the
 * difference over four decades of the learning rate is 2.
 */
#include <math.h>

#include "support/support.h"

static double difference(const double *w0, const double *g, ptrdiff_t k, ptrdiff_t d, int depth, double lr)
{
    double moved[64], factored[64];
    ptrdiff_t dims[9];
    dopt_net *net = NULL;
    dopt_e2e *e2e = NULL;
    dopt_optim *gd = NULL;
    for (int j = 0; j <= depth; j++)
        dims[j] = j == 0 ? d : k;
    ASSERT_OK(dopt_net_create(DOPT_F64, depth, dims, NULL, &net));
    ASSERT_OK(dopt_e2e_create(k, d, depth, NULL, &e2e));
    ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &gd));
    ASSERT_OK(dopt_optim_set(gd, DOPT_LR, lr));
    ASSERT_OK(dopt_net_init_balanced(net, dopt_cmat_f64(w0, k, d)));
    ASSERT_OK(dopt_step(gd, net, dopt_cmat_f64(g, k, d)));
    ASSERT_OK(dopt_net_product(net, dopt_mat_f64(factored, k, d)));
    test_copy(dopt_cmat_f64(w0, k, d), dopt_mat_f64(moved, k, d));
    ASSERT_OK(dopt_e2e_update(e2e, dopt_mat_f64(moved, k, d), dopt_cmat_f64(g, k, d), lr, 0.0));
    dopt_net_destroy(&net);
    dopt_e2e_destroy(&e2e);
    dopt_optim_destroy(&gd);
    return test_distance(dopt_cmat_f64(moved, k, d), dopt_cmat_f64(factored, k, d));
}

static void factors_follow_the_end_to_end_rule(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int depth = 2; depth <= 8; depth++)
        for (ptrdiff_t k = 1; k <= 5; k += 2) {
            double w0[64], g[64];
            const ptrdiff_t d = 7;
            test_fill(&rng, dopt_mat_f64(w0, k, d));
            test_fill(&rng, dopt_mat_f64(g, k, d));
            const double coarse = difference(w0, g, k, d, depth, 1e-2), fine = difference(w0, g, k, d, depth, 1e-6);
            const double slope = log10(coarse / fine) / 4.0;
            ASSERT_CLOSE(slope, 2.0, 0.1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(factors_follow_the_end_to_end_rule) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
