/* SPDX-License-Identifier: MIT */
/*
 * Theorem 1 over a whole run: from balanced factors, gradient descent on the factors and the end-to-end rule reach the
 * same W up to O(lr) at a fixed time, with weight decay and several outputs too, and hidden widths do not matter.
 */
#include <math.h>

#include "support/regression.h"

enum { size = 2 * REGRESSION_COLS };

static double train(regression *r, dopt_model model, int depth, ptrdiff_t width, double lr, double decay, double *w)
{
    dopt_fit_options o = DOPT_FIT_OPTIONS_INIT;
    o.model = model;
    o.depth = depth;
    o.width = width;
    o.lr = lr;
    o.weight_decay = decay;
    o.max_steps = llround(1.0 / lr);
    dopt_rng rng = dopt_rng_init(11, 0);
    const dopt_mat view = dopt_mat_f64(w, r->outputs, REGRESSION_COLS);
    test_fill(&rng, view);
    dopt_report report;
    ASSERT_OK(dopt_fit(r->objective, &o, view, &report));
    assert_int_equal(report.reason, DOPT_STOP_STEPS);
    return test_norm(dopt_const(view));
}

static double gap(regression *r, int depth, double lr, double decay)
{
    double factored[size], rule[size];
    const double norm = train(r, DOPT_MODEL_FACTORED, depth, 0, lr, decay, factored);
    (void)train(r, DOPT_MODEL_E2E, depth, 0, lr, decay, rule);
    return test_distance(dopt_cmat_f64(factored, r->outputs, REGRESSION_COLS),
                         dopt_cmat_f64(rule, r->outputs, REGRESSION_COLS)) /
           norm;
}

static void the_gap_at_a_fixed_time_is_of_first_order(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (ptrdiff_t outputs = 1; outputs <= 2; outputs++) {
        regression r;
        regression_make(&rng, 2.0, outputs, &r);
        for (int depth = 2; depth <= 4; depth++)
            for (double decay = 0.0; decay <= 0.1; decay += 0.1) {
                const double coarse = gap(&r, depth, 1e-3, decay), fine = gap(&r, depth, 1e-4, decay);
                assert_true(coarse < 0.05);
                ASSERT_CLOSE(log10(coarse / fine), 1.0, 0.1);
            }
        regression_free(&r);
    }
}

/* Zero-padded, so the same path bit by bit would not surprise; what is promised is rounding. */
static void widths_do_not_matter(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    regression r;
    double narrow[size], wide[size];
    regression_make(&rng, 2.0, 2, &r);
    const double norm = train(&r, DOPT_MODEL_FACTORED, 3, 2, 1e-3, 0.0, narrow);
    (void)train(&r, DOPT_MODEL_FACTORED, 3, 50, 1e-3, 0.0, wide);
    assert_true(test_distance(dopt_cmat_f64(narrow, 2, REGRESSION_COLS), dopt_cmat_f64(wide, 2, REGRESSION_COLS)) <
                1e-11 * norm);
    regression_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_gap_at_a_fixed_time_is_of_first_order),
                                        cmocka_unit_test(widths_do_not_matter) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
