/* SPDX-License-Identifier: MIT */
/* analysis.h against formulas written out, in any layout, and its refusals. The paper_ tests have the theorems. */
#include <math.h>

#include "support/support.h"

enum { max = 6 };

static const double depths[] = { 1.0, 2.0, 2.5, 3.0, 8.0, INFINITY };

enum { depth_count = sizeof depths / sizeof *depths };

/* Rate and momentum add up to P_w(grad), and the momentum part is positive semidefinite. */
static void split_adds_up(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(100); round++) {
        const ptrdiff_t k = test_size(&rng, max), d = test_size(&rng, max);
        const double depth = depths[round % depth_count];
        const test_layout layout = test_any_layout(&rng);
        test_array w = test_array_new(k, d, DOPT_F64, layout), g = test_array_new(k, d, DOPT_F64, TEST_COLS);
        test_array momentum = test_array_new(k, d, DOPT_F64, layout), p = test_array_new(k, d, DOPT_F64, TEST_ROWS);
        double rate = NAN, inner = 0.0;
        dopt_e2e *e2e = NULL;
        test_fill(&rng, w.view);
        test_fill(&rng, g.view);
        ASSERT_OK(dopt_analysis_split(depth, dopt_const(w.view), dopt_const(g.view), &rate, momentum.view));
        ASSERT_OK(dopt_e2e_create(k, d, depth, NULL, &e2e));
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w.view), dopt_const(g.view), p.view));
        for (ptrdiff_t r = 0; r < k; r++)
            for (ptrdiff_t c = 0; c < d; c++) {
                const double m = test_get(dopt_const(momentum.view), r, c), x = test_get(dopt_const(g.view), r, c);
                inner += m * x;
                ASSERT_CLOSE(m + rate * x, test_get(dopt_const(p.view), r, c), 1e-12 * test_norm(dopt_const(p.view)));
            }
        assert_true(inner >= -1e-12 * test_norm(dopt_const(p.view)) * test_norm(dopt_const(g.view)));
        assert_true(depth > 1.0 || rate == 1.0);
        test_array_padding(&momentum);
        dopt_e2e_destroy(&e2e);
        test_array_free(&w);
        test_array_free(&g);
        test_array_free(&momentum);
        test_array_free(&p);
    }
}

/* w.w = 25, w.g = 5: Claim 2 by hand. In float32, and without the momentum. */
static void split_of_one_output_is_claim_2(void **state)
{
    (void)state;
    float w[2] = { 3, 4 }, g[2] = { -1, 2 }, momentum[2] = { 0 };
    double rate = 0.0;
    const dopt_mat out = dopt_mat_f32(momentum, 1, 2);
    ASSERT_OK(dopt_analysis_split(3.0, dopt_cmat_f32(w, 1, 2), dopt_cmat_f32(g, 1, 2), &rate, out));
    ASSERT_CLOSE(rate, pow(5.0, 4.0 / 3.0), 1e-14 * rate);
    ASSERT_CLOSE(momentum[0], 2.0 * rate * 0.2 * 3.0, 1e-6 * rate);
    ASSERT_CLOSE(momentum[1], 2.0 * rate * 0.2 * 4.0, 1e-6 * rate);
    ASSERT_OK(dopt_analysis_split(2.0, dopt_cmat_f32(w, 1, 2), dopt_cmat_f32(g, 1, 2), &rate, dopt_mat_none()));
    ASSERT_CLOSE(rate, 5.0, 1e-14);
}

/* Three steps by hand. */
static void memory_has_its_formula(void **state)
{
    (void)state;
    const double lr = 0.1, hidden[3] = { 0.5, 0.6, 0.8 }, slope[3] = { -1.0, -0.9, -2.0 };
    double rho[3], gamma[3];
    for (int layout = 0; layout < TEST_LAYOUTS; layout++) {
        test_array a = test_array_new(3, 4, DOPT_F64, (test_layout)layout);
        const dopt_cmat m = dopt_const(a.view);
        ASSERT_OK(dopt_analysis_memory(lr, 3, hidden, slope, a.view));
        for (int t = 0; t < 3; t++) {
            rho[t] = lr * hidden[t] * hidden[t];
            gamma[t] = lr * slope[t] / hidden[t];
            ASSERT_CLOSE(test_get(m, t, t + 1), rho[t], 1e-16);
            for (int tau = t + 2; tau < 4; tau++)
                assert_true(test_get(m, t, tau) == 0.0);
        }
        ASSERT_CLOSE(test_get(m, 1, 1), -gamma[1] * rho[0], 1e-16);
        ASSERT_CLOSE(test_get(m, 2, 1), -gamma[2] * rho[0] * (1 - gamma[1]), 1e-16);
        ASSERT_CLOSE(test_get(m, 2, 2), -gamma[2] * rho[1], 1e-16);
        ASSERT_CLOSE(test_get(m, 0, 0), gamma[0], 1e-16);
        ASSERT_CLOSE(test_get(m, 2, 0), gamma[2] * (1 - gamma[0]) * (1 - gamma[1]), 1e-16);
        test_array_padding(&a);
        test_array_free(&a);
    }
}

static void margin_of_a_diagonal(void **state)
{
    (void)state;
    const double w[6] = { 2, 0, 0, 0, 0.5, 0 }, target[6] = { 2, 0, 0, 0, 0.75, 0 };
    const double tall[6] = { 2, 0, 0, 0.5, 0, 0 }, tall_target[6] = { 2, 0, 0, 0.75, 0, 0 };
    double margin = NAN;
    ASSERT_OK(dopt_analysis_margin(dopt_cmat_f64(w, 2, 3), dopt_cmat_f64(target, 2, 3), &margin));
    ASSERT_CLOSE(margin, 0.5, 1e-15);
    ASSERT_OK(dopt_analysis_margin(dopt_cmat_f64(tall, 3, 2), dopt_cmat_f64(tall_target, 3, 2), &margin));
    ASSERT_CLOSE(margin, 0.5, 1e-15);
}

/* The rates against singular values before and after a tiny step along -P_w(grad). */
static void rates_are_those_of_a_small_step(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(60); round++) {
        const ptrdiff_t k = test_size(&rng, max), d = test_size(&rng, max), n = k < d ? k : d;
        const double depth = depths[round % depth_count], h = 1e-5;
        double g[max * max], w[2][max * max], sigma[3][max], rates[max];
        dopt_e2e *e2e = NULL;
        test_fill(&rng, dopt_mat_f64(g, k, d));
        test_fill(&rng, dopt_mat_f64(w[0], k, d));
        for (ptrdiff_t i = 0; i < n; i++) /* values apart from each other, so that their order and vectors are stable */
            w[0][i * d + i] += 4.0 * (double)(i + 1);
        test_copy(dopt_cmat_f64(w[0], k, d), dopt_mat_f64(w[1], k, d));
        ASSERT_OK(dopt_e2e_create(k, d, depth, NULL, &e2e));
        ASSERT_OK(dopt_analysis_sigma_rates(depth, dopt_cmat_f64(w[0], k, d), dopt_cmat_f64(g, k, d), sigma[0], rates));
        double p[max * max];
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w[0], k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(p, k, d)));
        for (ptrdiff_t i = 0; i < k * d; i++) {
            w[0][i] -= h * p[i];
            w[1][i] += h * p[i];
        }
        ASSERT_OK(dopt_e2e_spectrum(e2e, dopt_cmat_f64(w[0], k, d), sigma[1], NULL));
        ASSERT_OK(dopt_e2e_spectrum(e2e, dopt_cmat_f64(w[1], k, d), sigma[2], NULL));
        const double size = test_norm(dopt_cmat_f64(p, k, d));
        for (ptrdiff_t i = 0; i < n; i++) {
            assert_true(i == 0 || sigma[0][i] <= sigma[0][i - 1]);
            ASSERT_CLOSE(rates[i], (sigma[1][i] - sigma[2][i]) / (2 * h), 1e-6 * (1 + size * size * size * h));
        }
        dopt_e2e_destroy(&e2e);
    }
}

static void zero_singular_values_stand_still(void **state)
{
    (void)state;
    const double w[4] = { 1, 0, 0, 0 }, g[4] = { 1, 2, 3, 4 };
    double sigma[2], rates[2];
    ASSERT_OK(dopt_analysis_sigma_rates(3.0, dopt_cmat_f64(w, 2, 2), dopt_cmat_f64(g, 2, 2), sigma, rates));
    assert_true(sigma[1] == 0.0 && rates[1] == 0.0);
    ASSERT_CLOSE(rates[0], -3.0, 1e-14);
    ASSERT_OK(dopt_analysis_sigma_rates(1.0, dopt_cmat_f64(w, 2, 2), dopt_cmat_f64(g, 2, 2), NULL, rates));
    ASSERT_CLOSE(rates[0], -1.0, 1e-14);
    assert_true(isnan(rates[1]));
}

static dopt_status constant(dopt_cmat w, dopt_mat grad, void *user)
{
    (void)w;
    for (ptrdiff_t i = 0; i < grad.rows * grad.cols; i++)
        ((double *)grad.data)[i] = ((const double *)user)[i];
    return DOPT_OK;
}

static dopt_status refuse(dopt_cmat w, dopt_mat grad, void *user)
{
    (void)w;
    (void)grad;
    (void)user;
    return DOPT_ERR_IO;
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    double a[4] = { 1, 2, 3, 4 }, zero[4] = { 0 }, out[6] = { 7, 7, 7, 7, 7, 7 }, bad[4] = { 1, NAN, 0, 1 };
    const dopt_cmat m = dopt_cmat_f64(a, 2, 2), other = dopt_cmat_f64(a, 1, 4), nan = dopt_cmat_f64(bad, 2, 2);
    const dopt_mat to = dopt_mat_f64(out, 2, 2);
    dopt_circulation loop = { .value = 7 };
    dopt_circulation_options options = DOPT_CIRCULATION_OPTIONS_INIT;
    ASSERT_FAILS(dopt_analysis_split(0.5, m, m, out, to), DOPT_ERR_INVALID, "depth is 0.5, must be in [1, inf]");
    ASSERT_FAILS(dopt_analysis_split(2, m, other, out, to), DOPT_ERR_SHAPE, "grad is 1 x 4, must be 2 x 2");
    ASSERT_FAILS(dopt_analysis_split(2, m, nan, out, to), DOPT_ERR_NONFINITE, "grad[0, 1] is nan");
    ASSERT_FAILS(dopt_analysis_split(2, m, m, NULL, to), DOPT_ERR_INVALID, "rate is NULL");
    ASSERT_FAILS(dopt_analysis_split(2, m, m, out, dopt_mat_f64(out, 1, 2)), DOPT_ERR_SHAPE, "momentum is 1 x 2");
    ASSERT_FAILS(dopt_analysis_memory(0.1, 2, a, a, to), DOPT_ERR_SHAPE, "weights is 2 x 2, must be 2 x 3");
    ASSERT_FAILS(dopt_analysis_memory(0.1, 2, zero, a, dopt_mat_f64(out, 2, 3)), DOPT_ERR_INVALID, "hidden[0] is 0");
    ASSERT_FAILS(dopt_analysis_memory(0.1, 2, a, bad, dopt_mat_f64(out, 2, 3)), DOPT_ERR_NONFINITE, "slope[1] is nan");
    ASSERT_FAILS(dopt_analysis_margin(m, other, out), DOPT_ERR_SHAPE, "target is 1 x 4");
    ASSERT_FAILS(dopt_analysis_sigma_rates(2, m, m, out, NULL), DOPT_ERR_INVALID, "rates is NULL");
    ASSERT_FAILS(dopt_analysis_circulation(1, 1, constant, a, NULL, &loop), DOPT_ERR_INVALID, "one > 1");
    ASSERT_FAILS(dopt_analysis_circulation(2, 2, NULL, a, NULL, &loop), DOPT_ERR_INVALID, "gradient is NULL");
    ASSERT_FAILS(dopt_analysis_circulation(2, 2, constant, zero, NULL, &loop), DOPT_ERR_NUMERICAL, "must not be");
    ASSERT_FAILS(dopt_analysis_circulation(2, 2, constant, bad, NULL, &loop), DOPT_ERR_NONFINITE, "is nan");
    assert_int_equal(dopt_analysis_circulation(2, 2, refuse, a, NULL, &loop), DOPT_ERR_IO);
    options.inner = 2.0;
    ASSERT_FAILS(dopt_analysis_circulation(2, 2, constant, a, &options, &loop), DOPT_ERR_INVALID, "inner is 2");
    assert_true(loop.value == 7 && out[0] == 7 && out[5] == 7);
}

static dopt_status growing(dopt_cmat w, dopt_mat grad, void *user)
{
    const dopt_status status = constant(w, grad, user);
    for (ptrdiff_t i = 0; i < w.rows * w.cols; i++)
        test_set(grad, i / w.cols, i % w.cols,
                 test_get(dopt_const(grad), i / w.cols, i % w.cols) + test_get(w, i / w.cols, i % w.cols));
    return status;
}

/* At depth 1 a constant gradient G gives ||G|| times the way along G: of each of the four pieces. */
static void pieces_of_a_constant_field(void **state)
{
    (void)state;
    double g[6] = { 1, -2, 3, 4, 0, 6 };
    const double norm = test_norm(dopt_cmat_f64(g, 2, 3));
    dopt_circulation_options options = DOPT_CIRCULATION_OPTIONS_INIT;
    dopt_circulation loop;
    options.depth = 1.0;
    ASSERT_OK(dopt_analysis_circulation(2, 3, constant, g, &options, &loop));
    const double inner = options.inner, outer = options.outer;
    const double ways[] = { outer - inner, 2.0 * inner, outer - inner, -2.0 * outer };
    for (int i = 0; i < 4; i++)
        ASSERT_CLOSE(loop.parts[i], ways[i] * norm, 1e-11 * norm);
    ASSERT_CLOSE(loop.value, 0.0, 1e-11 * norm);
    assert_true(loop.error >= 0.0 && loop.error < 1e-10 * norm);
    /* G + W has the potential <G, W> + ||W||^2 / 2, by which the two straight pieces differ. */
    ASSERT_OK(dopt_analysis_circulation(2, 3, growing, g, &options, &loop));
    const double rise[] = { -1.0, 0.0, 1.0, 0.0 };
    for (int i = 0; i < 4; i++)
        ASSERT_CLOSE(loop.parts[i], ways[i] * norm + rise[i] * (outer * outer - inner * inner) / 2.0, 1e-11 * norm);
}

/* The first element of w as a step at `user`, along itself. */
static dopt_status step_field(dopt_cmat w, dopt_mat grad, void *user)
{
    const double *at = user;
    test_set(grad, 0, 0, test_get(w, 0, 0) > *at ? 1.0 : 2.0);
    test_set(grad, 0, 1, 0.0);
    return DOPT_OK;
}

/* A jump keeps more than its share of the error however small its panel: two pieces cross it, and are halved 20 times
   there, and nowhere else. The field is that of a potential, so the integral is 0. */
static void panels_share_the_tolerance(void **state)
{
    (void)state;
    double at = -0.6123;
    dopt_circulation_options options = DOPT_CIRCULATION_OPTIONS_INIT;
    dopt_circulation loop;
    options.depth = 1.0;
    options.tolerance = 1e-4;
    ASSERT_OK(dopt_analysis_circulation(1, 2, step_field, &at, &options, &loop));
    assert_int_equal(loop.evaluations, 15 * (4 + 2 * 20 * 2));
    ASSERT_CLOSE(loop.value, 0.0, ldexp(options.outer - options.inner + 4.0 * options.outer, -20));
}

/* One extent may be as large as any; not both. */
static void long_matrices_are_analysed(void **state)
{
    (void)state;
    enum { rows = 32767 };
    static double w[rows];
    double rate = 0.0;
    w[rows - 1] = 2.0;
    const dopt_cmat tall = dopt_cmat_f64(w, rows, 1), wide = dopt_cmat_f64(w, 1, rows),
                    both = dopt_cmat_f64(w, rows, rows);
    ASSERT_OK(dopt_analysis_split(2.0, tall, tall, &rate, dopt_mat_none()));
    ASSERT_CLOSE(rate, 2.0, 1e-14);
    ASSERT_OK(dopt_analysis_split(2.0, wide, wide, &rate, dopt_mat_none()));
    ASSERT_CLOSE(rate, 2.0, 1e-14);
    ASSERT_FAILS(dopt_analysis_split(2.0, both, both, &rate, dopt_mat_none()), DOPT_ERR_SHAPE,
                 "the smaller extent must be at most 32766");
}

/* Every element of the difference counts. */
static void margin_looks_at_every_element(void **state)
{
    (void)state;
    for (int at = 0; at < 6; at++) {
        double w[6] = { 3, 0, 0, 0, 2, 0 }, target[6] = { 3, 0, 0, 0, 2, 0 }, margin;
        w[at] += 0.5;
        ASSERT_OK(dopt_analysis_margin(dopt_cmat_f64(w, 2, 3), dopt_cmat_f64(target, 2, 3), &margin));
        ASSERT_CLOSE(margin, 1.5, 1e-14);
    }
}

static void circulation_survives_failed_allocations(void **state)
{
    (void)state;
    double g[6] = { 1, 2, 3, 4, 5, 6 };
    for (int left = 0;; left++) {
        test_memory memory = { .left = left };
        dopt_circulation_options options = DOPT_CIRCULATION_OPTIONS_INIT;
        dopt_circulation loop;
        options.allocator = test_allocator(&memory);
        const dopt_status status = dopt_analysis_circulation(2, 3, constant, g, &options, &loop);
        assert_int_equal(memory.live, 0);
        if (status == DOPT_OK)
            break;
        assert_int_equal(status, DOPT_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_adds_up),
        cmocka_unit_test(split_of_one_output_is_claim_2),
        cmocka_unit_test(memory_has_its_formula),
        cmocka_unit_test(margin_of_a_diagonal),
        cmocka_unit_test(rates_are_those_of_a_small_step),
        cmocka_unit_test(zero_singular_values_stand_still),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(circulation_survives_failed_allocations),
        cmocka_unit_test(pieces_of_a_constant_field),
        cmocka_unit_test(margin_looks_at_every_element),
        cmocka_unit_test(panels_share_the_tolerance),
        cmocka_unit_test(long_matrices_are_analysed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
