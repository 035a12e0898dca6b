/* SPDX-License-Identifier: MIT */
/*
 * Theorem 2: for N > 2 the end-to-end rule follows no gradient, so no regulariser has its effect. The integral of its
 * field around a closed curve is the closed form, positive, for a constant gradient; positive in small loops for any
 * gradient that does not vanish at 0; and 0 for N = 1 and 2.
 */
#include <math.h>

#include "support/support.h"

static dopt_status constant(dopt_cmat w, dopt_mat grad, void *user)
{
    (void)w;
    for (ptrdiff_t i = 0; i < grad.rows * grad.cols; i++)
        ((double *)grad.data)[i] = ((const double *)user)[i];
    return DOPT_OK;
}

static double around(ptrdiff_t d, dopt_gradient_fn gradient, void *user, double depth, double inner, double outer,
                     double *error)
{
    dopt_circulation_options options = DOPT_CIRCULATION_OPTIONS_INIT;
    dopt_circulation found;
    options.depth = depth;
    options.inner = inner;
    options.outer = outer;
    ASSERT_OK(dopt_analysis_circulation(1, d, gradient, user, &options, &found));
    ASSERT_CLOSE(found.parts[0] + found.parts[1] + found.parts[2] + found.parts[3], found.value, 1e-15);
    *error = found.error;
    return found.value;
}

static void a_constant_gradient_has_the_closed_form(void **state)
{
    (void)state;
    static const double depths[] = { 1.0, 2.0, 2.5, 3.0, 4.0, 8.0 };
    dopt_rng rng = test_rng_begin(__func__);
    for (int i = 0; i < 6; i++)
        for (ptrdiff_t d = 2; d <= 5; d++) {
            const double n = depths[i], inner = 0.3, outer = 1.1, power = 3.0 - 2.0 / n;
            double c[5], error;
            test_fill(&rng, dopt_mat_f64(c, 1, d));
            const double length = test_norm(dopt_cmat_f64(c, 1, d));
            const double want = 2 * length * (n - 1) * (n - 2) / (3 * n - 2) * (pow(outer, power) - pow(inner, power));
            const double got = around(d, constant, c, n, inner, outer, &error);
            ASSERT_CLOSE(got, want, 1e-10);
            ASSERT_CLOSE(got, want, error);
            assert_true(error < 1e-10);
            assert_true(n <= 2.0 || got > 1e6 * error);
        }
}

/* The number of the paper's own curve at N = 4, independent of the dimension. */
static void the_known_number(void **state)
{
    (void)state;
    double c[3] = { 0.6, 0.0, 0.8 }, error;
    ASSERT_CLOSE(around(3, constant, c, 4.0, 0.3, 1.1, &error), 1.4637, 5e-5);
}

/* A gradient of a loss, mean (x w - y)^4 on three points. */
static dopt_status quartic(dopt_cmat w, dopt_mat grad, void *user)
{
    static const double x[3][2] = { { 1.0, 0.5 }, { -0.3, 1.0 }, { 0.8, -0.9 } }, y[3] = { 1.0, -0.5, 0.7 };
    const double *v = w.data;
    double *g = grad.data;
    (void)user;
    g[0] = g[1] = 0.0;
    for (int i = 0; i < 3; i++) {
        const double r = x[i][0] * v[0] + x[i][1] * v[1] - y[i];
        g[0] += 4.0 / 3.0 * r * r * r * x[i][0];
        g[1] += 4.0 / 3.0 * r * r * r * x[i][1];
    }
    return DOPT_OK;
}

static void a_loss_has_it_too_in_small_loops(void **state)
{
    (void)state;
    double error;
    for (double depth = 3.0; depth <= 8.0; depth += 1.0)
        assert_true(around(2, quartic, NULL, depth, 1e-3, 1e-2, &error) > 1e3 * error);
    const double plain = around(2, quartic, NULL, 1.0, 0.3, 1.1, &error); /* the loss itself */
    ASSERT_CLOSE(plain, 0.0, error);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_constant_gradient_has_the_closed_form),
                                        cmocka_unit_test(the_known_number),
                                        cmocka_unit_test(a_loss_has_it_too_in_small_loops) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
