/* SPDX-License-Identifier: MIT */
/* The squared loss from a triangular factor agrees with the pass over the data, and keeps its digits at the optimum. */
#include <math.h>

#include "support/support.h"

static dopt_objective *create(dopt_cmat x, dopt_cmat y, const dopt_loss *loss, dopt_reduction reduction)
{
    dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *objective = NULL;
    options.reduction = reduction;
    ASSERT_OK(dopt_objective_create_data(x, y, loss, &options, &objective));
    return objective;
}

static void agrees_with_the_data(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss *losses[2] = { NULL };
    ASSERT_OK(dopt_loss_create_squared(NULL, &losses[0]));
    ASSERT_OK(dopt_loss_create_lp(2.0, NULL, &losses[1]));
    for (int round = 0; round < test_rounds(100); round++) {
        const ptrdiff_t k = test_int(&rng, 1, 3), d = test_size(&rng, 40), m = test_size(&rng, 400);
        const dopt_dtype dtype = round % 3 ? DOPT_F64 : DOPT_F32;
        test_array x = test_array_new(m, d, dtype, (test_layout)(round % TEST_LAYOUTS));
        test_array y = test_array_new(m, k, dtype, (test_layout)(round / 4 % TEST_LAYOUTS));
        test_array w = test_array_new(k, d, dtype, (test_layout)(round / 16 % TEST_LAYOUTS));
        test_array grad = test_array_new(k, d, dtype, TEST_ROWS), want = test_array_new(k, d, dtype, TEST_ROWS);
        test_fill(&rng, x.view);
        test_fill(&rng, y.view);
        test_fill(&rng, w.view);
        for (ptrdiff_t i = 0; i < m && round % 5 == 0; i++) /* a column of zeros, and one that is another */
            for (ptrdiff_t c = 0; c < d; c++)
                if (c % 4 == 1)
                    test_set(x.view, i, c, c % 8 == 1 ? 0.0 : test_get(dopt_const(x.view), i, c - 1));
        dopt_objective *reduced = create(dopt_const(x.view), dopt_const(y.view), losses[round % 2], DOPT_REDUCTION_ON);
        dopt_objective *plain = create(dopt_const(x.view), dopt_const(y.view), losses[round % 2], DOPT_REDUCTION_OFF);
        dopt_objective *clone = NULL;
        assert_int_equal(dopt_objective_route(reduced), DOPT_ROUTE_REDUCED);
        assert_int_equal(dopt_objective_route(plain), DOPT_ROUTE_PASS);
        ASSERT_OK(dopt_objective_clone(reduced, &clone));
        double value, right, same, only;
        ASSERT_OK(dopt_objective_eval(plain, dopt_const(w.view), NULL, &right, want.view));
        ASSERT_OK(dopt_objective_eval(reduced, dopt_const(w.view), NULL, &value, grad.view));
        dopt_objective_destroy(&reduced); /* the clone has a share of its own */
        const double eps = 30.0 * sqrt((double)(m + d)) * test_eps(dtype);
        ASSERT_CLOSE(value, right, eps * right);
        const double size = sqrt(right * (double)(k * d)) * 4.0;
        ASSERT_CLOSE(test_distance(dopt_const(grad.view), dopt_const(want.view)), 0.0, eps * (size + right));
        ASSERT_OK(dopt_objective_eval(clone, dopt_const(w.view), NULL, &same, want.view));
        ASSERT_OK(dopt_objective_eval(clone, dopt_const(w.view), NULL, &only, dopt_mat_none()));
        assert_true(same == value && only == value);
        ASSERT_MAT_SAME(dopt_const(grad.view), dopt_const(want.view));
        dopt_objective_destroy(&plain);
        dopt_objective_destroy(&clone);
        test_array_free(&x);
        test_array_free(&y);
        test_array_free(&w);
        test_array_free(&grad);
        test_array_free(&want);
    }
    for (int i = 0; i < 2; i++)
        dopt_loss_destroy(&losses[i]);
}

/* Nearly collinear features, large weights, and a residual of 1e-6 y: w^T X^T X w - 2 w^T X^T y + y^T y would have
   no digit left. */
static void keeps_ten_digits_at_the_optimum(void **state)
{
    (void)state;
    enum { m = 500, d = 6 };
    static double x[m * d], y[m];
    const double w[d] = { 300.0, -200.0, 50.0, -120.0, 10.0, 1.0 };
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss *loss = NULL;
    long double right = 0.0L;
    for (int i = 0; i < m; i++) {
        const double common = dopt_rng_normal(&rng);
        long double target = 0.0L;
        for (int c = 0; c < d; c++) {
            x[i * d + c] = common + 1e-3 * dopt_rng_normal(&rng);
            target += (long double)x[i * d + c] * (long double)w[c];
        }
        y[i] = (double)target + 1e-4 * dopt_rng_normal(&rng);
        right += 0.5L * (target - (long double)y[i]) * (target - (long double)y[i]) / m;
    }
    ASSERT_OK(dopt_loss_create_squared(NULL, &loss));
    dopt_objective *reduced = create(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, 1), loss, DOPT_REDUCTION_AUTO);
    double value, grad[d];
    assert_int_equal(dopt_objective_route(reduced), DOPT_ROUTE_REDUCED);
    ASSERT_OK(dopt_objective_eval(reduced, dopt_cmat_f64(w, 1, d), NULL, &value, dopt_mat_f64(grad, 1, d)));
    ASSERT_CLOSE(value, (double)right, 1e-10 * (double)right);
    dopt_objective_destroy(&reduced);
    dopt_loss_destroy(&loss);
}

static void chooses_and_reports(void **state)
{
    (void)state;
    enum { m = 64, d = 4 };
    double x[m * d], y[m], w[d] = { 0 };
    dopt_rng rng = test_rng_begin(__func__);
    dopt_loss *squared = NULL, *quartic = NULL;
    dopt_fit_options fit = DOPT_FIT_OPTIONS_INIT;
    dopt_report report;
    test_fill(&rng, dopt_mat_f64(x, m, d));
    test_fill(&rng, dopt_mat_f64(y, m, 1));
    ASSERT_OK(dopt_loss_create_squared(NULL, &squared));
    ASSERT_OK(dopt_loss_create_lp(4.0, NULL, &quartic));
    const struct {
        ptrdiff_t rows;
        const dopt_loss *loss;
        dopt_reduction reduction;
        dopt_route route;
    } cases[] = { { m, squared, DOPT_REDUCTION_AUTO, DOPT_ROUTE_REDUCED },
                  { 39, squared, DOPT_REDUCTION_AUTO, DOPT_ROUTE_PASS },
                  { 39, squared, DOPT_REDUCTION_ON, DOPT_ROUTE_REDUCED },
                  { m, squared, DOPT_REDUCTION_OFF, DOPT_ROUTE_PASS },
                  { m, quartic, DOPT_REDUCTION_ON, DOPT_ROUTE_PASS } };
    for (int i = 0; i < 5; i++) {
        dopt_objective *objective = create(dopt_cmat_f64(x, cases[i].rows, d), dopt_cmat_f64(y, cases[i].rows, 1),
                                           cases[i].loss, cases[i].reduction);
        assert_int_equal(dopt_objective_route(objective), cases[i].route);
        fit.model = DOPT_MODEL_DIRECT;
        fit.max_steps = 3;
        ASSERT_OK(dopt_fit(objective, &fit, dopt_mat_f64(w, 1, d), &report));
        assert_int_equal(report.route, cases[i].route);
        dopt_objective_destroy(&objective);
    }
    dopt_objective_options wrong = DOPT_OBJECTIVE_OPTIONS_INIT;
    dopt_objective *none = NULL;
    wrong.reduction = (dopt_reduction)3;
    ASSERT_FAILS(dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, 1), squared, &wrong, &none),
                 DOPT_ERR_INVALID, "options->reduction is 3");
    for (int left = 0;; left++) {
        test_memory memory = { .left = left };
        dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
        options.allocator = test_allocator(&memory);
        const dopt_status status =
            dopt_objective_create_data(dopt_cmat_f64(x, m, d), dopt_cmat_f64(y, m, 1), squared, &options, &none);
        assert_int_equal(status == DOPT_OK, none != NULL);
        dopt_objective_destroy(&none);
        assert_int_equal(memory.live, 0);
        if (status == DOPT_OK)
            break;
        assert_int_equal(status, DOPT_ERR_NOMEM);
    }
    dopt_loss_destroy(&squared);
    dopt_loss_destroy(&quartic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_data),
        cmocka_unit_test(keeps_ten_digits_at_the_optimum),
        cmocka_unit_test(chooses_and_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
