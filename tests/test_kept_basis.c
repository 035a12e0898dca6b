/* SPDX-License-Identifier: MIT */
/* When the basis of an earlier call is used again, and when that is looked at. test_e2e has what it gives. */
#include "support/support.h"

/* After the second failed test in a row 2 calls go without one, after the third and all others 4. */
static void failed_tests_are_put_off(void **state)
{
    (void)state;
    enum { k = 5, d = 8, rounds = 7 };
    static const int strange[rounds] = { 2, 1, 2, 3, 5, 10, 1 }, waits[rounds] = { 0, 0, 2, 1, 4, 4, 0 };
    double w[k * d], g[k * d], p[k * d];
    dopt_rng rng = test_rng_begin(__func__);
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    dopt_e2e *e2e = NULL;
    options.refresh_tolerance = 0.1;
    ASSERT_OK(dopt_e2e_create(k, d, 3.0, &options, &e2e));
    test_fill(&rng, dopt_mat_f64(g, k, d));
    for (int round = 0; round < rounds; round++) {
        int waited = -1;
        for (int i = 0; i < strange[round]; i++) {
            test_fill(&rng, dopt_mat_f64(w, k, d));
            ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(p, k, d)));
            assert_int_not_equal(dopt_e2e_route_taken(e2e), DOPT_E2E_ROUTE_REUSED);
        }
        do {
            ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(p, k, d)));
            waited++;
        } while (dopt_e2e_route_taken(e2e) != DOPT_E2E_ROUTE_REUSED && waited < 10);
        assert_int_equal(waited, waits[round]);
    }
    dopt_e2e_destroy(&e2e);
}

static void a_basis_of_rank_one_serves(void **state)
{
    (void)state;
    double w[6] = { 1, 2, 3, 2, 4, 6 }, g[6] = { 1, 0, -1, 2, 1, 0 }, p[6];
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    dopt_e2e *e2e = NULL;
    options.refresh_tolerance = 0.1;
    ASSERT_OK(dopt_e2e_create(2, 3, 3.0, &options, &e2e));
    for (int i = 0; i < 2; i++)
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, 2, 3), dopt_cmat_f64(g, 2, 3), dopt_mat_f64(p, 2, 3)));
    assert_int_equal(dopt_e2e_route_taken(e2e), DOPT_E2E_ROUTE_REUSED);
    dopt_e2e_destroy(&e2e);
}

/* U^T W V may be diagonal and W still not be spanned by V. */
static void what_lies_outside_of_v_counts(void **state)
{
    (void)state;
    enum { k = 4, d = 20 };
    double w[k * d] = { 0 }, g[k * d], p[k * d], exact[k * d];
    dopt_rng rng = test_rng_begin(__func__);
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    dopt_e2e *kept = NULL, *fresh = NULL;
    options.refresh_tolerance = 0.1;
    ASSERT_OK(dopt_e2e_create(k, d, 3.0, NULL, &fresh));
    ASSERT_OK(dopt_e2e_create(k, d, 3.0, &options, &kept));
    test_fill(&rng, dopt_mat_f64(g, k, d));
    for (int i = 0; i < k; i++)
        w[i * d + i] = 1.0 + i;
    for (int i = 0; i < 2; i++) {
        ASSERT_OK(dopt_e2e_apply(kept, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(p, k, d)));
        ASSERT_OK(dopt_e2e_apply(fresh, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(exact, k, d)));
        ASSERT_MAT_CLOSE(dopt_cmat_f64(p, k, d), dopt_cmat_f64(exact, k, d), 100.0);
        w[k] = 0.5;
    }
    assert_int_equal(dopt_e2e_refreshes(kept), 2);
    dopt_e2e_destroy(&kept);
    dopt_e2e_destroy(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_tests_are_put_off),
        cmocka_unit_test(a_basis_of_rank_one_serves),
        cmocka_unit_test(what_lies_outside_of_v_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
