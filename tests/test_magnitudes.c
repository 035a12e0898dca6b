/* SPDX-License-Identifier: MIT */
/* P_W(G) of the smallest and of the largest numbers: right where it can be, refused where it overflows. */
#include <float.h>
#include <math.h>

#include "support/support.h"

static dopt_e2e *create(ptrdiff_t rows, ptrdiff_t cols, double depth, dopt_e2e_method method)
{
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    dopt_e2e *e2e = NULL;
    options.method = method;
    ASSERT_OK(dopt_e2e_create(rows, cols, depth, &options, &e2e));
    return e2e;
}

/* One row of one magnitude, from subnormal to huge, against long double. */
static void extreme_magnitudes_of_a_row(void **state)
{
    (void)state;
    const volatile long double tiny = 1e-19L; /* valgrind computes long double in 64 bits */
    if (1.0L + tiny + tiny == 1.0L) {
        print_message("# skipped: long double is double here\n"); /* a skip() is "not ok" in TAP, and fails */
        return;
    }
    static const double sizes[] = { 5e-324, 1e-310, 1e-160, 1.0, 1e100, 1e150, 1e307 };
    static const double depths[] = { 1.0 + 1e-15, 1.5, 2.0, 3.0, 1e9, INFINITY };
    for (int i = 0; i < 7 * 7 * 6; i++) {
        const double depth = depths[i / 49], size = sizes[i / 7 % 7], g = sizes[i % 7];
        const double w[3] = { size, 0.0, 0.0 }, grad[3] = { g, g, 0.0 };
        double out[3] = { 7, 7, 7 };
        const long double base = isinf(depth) ? (long double)size * size : powl(size, 2.0L - 2.0L / depth);
        const long double want[2] = { (isinf(depth) ? 1.0L : depth) * base * g, isinf(depth) ? 0.0L : base * g };
        dopt_e2e *e2e = create(1, 3, depth, DOPT_E2E_NESTED);
        const dopt_status status =
            dopt_e2e_apply(e2e, dopt_cmat_f64(w, 1, 3), dopt_cmat_f64(grad, 1, 3), dopt_mat_f64(out, 1, 3));
        dopt_e2e_destroy(&e2e);
        const long double eigenvalue = isinf(depth) ? base : depth * base;
        if (base < 1e-300L || eigenvalue > 1e300L) /* P itself is below or beyond the numbers */
            continue;
        if (want[0] > 1e300L) {
            assert_true(status == DOPT_ERR_NUMERICAL || want[0] < 1.8e308L);
            continue;
        }
        assert_int_equal(status, DOPT_OK);
        for (int c = 0; c < 2; c++)
            ASSERT_CLOSE(out[c], (double)want[c], 1e-14 * (double)want[c] + 2e-322 * (double)fmaxl(1.0L, base));
    }
}

/* P_{cW}(G) = c^{2-2/N} P_W(G), and singular values scale with c, over all magnitudes; with a kept basis too. */
static void all_magnitudes(void **state)
{
    (void)state;
    static const double base[9] = { 2, 1, 1, 1, 2, 1, 0, 1, 3 }, turned[9] = { 1, 2, 0, -1, 1, 1, 2, 0, 1 };
    const double g[9] = { 1, 0, 2, 0, 1, 0, 1, 0, 0 };
    double w[9], sigma[3], unit[3], p[9], want[9];
    for (int method = 0; method < 2; method++)
        for (int exponent = -460; exponent <= 460; exponent += 20) {
            const double c = ldexp(1.0, exponent);
            dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
            dopt_e2e *e2e = NULL, *at_one = create(3, 3, 2.0, (dopt_e2e_method)method);
            options.method = (dopt_e2e_method)method;
            options.refresh_tolerance = 1e-3;
            ASSERT_OK(dopt_e2e_create(3, 3, 2.0, &options, &e2e));
            for (int turn = 0; turn < 2; turn++) {
                const double *from = turn ? turned : base;
                for (int i = 0; i < 9; i++)
                    w[i] = c * from[i];
                ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, 3, 3), dopt_cmat_f64(g, 3, 3), dopt_mat_f64(p, 3, 3)));
                ASSERT_OK(dopt_e2e_apply(at_one, dopt_cmat_f64(from, 3, 3), dopt_cmat_f64(g, 3, 3),
                                         dopt_mat_f64(want, 3, 3)));
                for (int i = 0; i < 9; i++)
                    p[i] /= c;
                ASSERT_MAT_CLOSE(dopt_cmat_f64(p, 3, 3), dopt_cmat_f64(want, 3, 3), 30.0);
            }
            ASSERT_OK(dopt_e2e_spectrum(e2e, dopt_cmat_f64(w, 3, 3), sigma, NULL));
            ASSERT_OK(dopt_e2e_spectrum(at_one, dopt_cmat_f64(turned, 3, 3), unit, NULL));
            for (int i = 0; i < 3; i++)
                ASSERT_CLOSE(sigma[i] / c, unit[i], 100.0 * test_eps(DOPT_F64) * unit[0]);
            dopt_e2e_destroy(&e2e);
            dopt_e2e_destroy(&at_one);
        }
}

/* The same in float32, whose smallest and largest numbers go through float64. */
static void all_magnitudes_of_float32(void **state)
{
    (void)state;
    static const float base[6] = { 2, 1, 1, 1, 2, 0 }, g[6] = { 1, 0, 2, 0, 1, 1 };
    float w[6], p[6], want[6];
    dopt_e2e *e2e = create(2, 3, 2.0, DOPT_E2E_NESTED);
    ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f32(base, 2, 3), dopt_cmat_f32(g, 2, 3), dopt_mat_f32(want, 2, 3)));
    for (int exponent = -100; exponent <= 100; exponent += 10) {
        for (int i = 0; i < 6; i++)
            w[i] = ldexpf(base[i], exponent);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f32(w, 2, 3), dopt_cmat_f32(g, 2, 3), dopt_mat_f32(p, 2, 3)));
        for (int i = 0; i < 6; i++)
            p[i] = ldexpf(p[i], -exponent);
        ASSERT_MAT_CLOSE(dopt_cmat_f32(p, 2, 3), dopt_cmat_f32(want, 2, 3), 30.0);
    }
    dopt_e2e_destroy(&e2e);
}

/* Near the largest number a pass looks whether the result fits, and it may. */
static void what_just_fits_is_written(void **state)
{
    (void)state;
    const double w[3] = { 1, 0, 0 }, huge[3] = { 0.5 * DBL_MAX, DBL_MAX, -DBL_MAX };
    const float w32[3] = { 1, 0, 0 }, huge32[3] = { 0.5F * FLT_MAX, FLT_MAX, -FLT_MAX };
    for (int depth = 1; depth <= 2; depth++) { /* depth g_1, g_2, g_3, as w = (1, 0, 0) */
        double out[3];
        float out32[3];
        dopt_e2e *e2e = create(1, 3, depth, DOPT_E2E_NESTED);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, 1, 3), dopt_cmat_f64(huge, 1, 3), dopt_mat_f64(out, 1, 3)));
        ASSERT_OK(
            dopt_e2e_apply(e2e, dopt_cmat_f32(w32, 1, 3), dopt_cmat_f32(huge32, 1, 3), dopt_mat_f32(out32, 1, 3)));
        assert_true(out[0] == depth * huge[0] && out[1] == huge[1] && out[2] == huge[2]);
        assert_true(out32[0] == (float)depth * huge32[0] && out32[1] == huge32[1] && out32[2] == huge32[2]);
        dopt_e2e_destroy(&e2e);
    }
}

/* What overflows on the way is refused, whatever the way: in float32, without V, before a small factor. */
static void overflow_is_never_written(void **state)
{
    (void)state;
    float w32[4] = { 1, 0, 0, 2 }, g32[4] = { 1, 1, 1, 1 };
    double w[12] = { 1e10, 0, 0, 0, 0, 0, 0, 2e10, 0, 0, 0, 0 }, g[12], out[12];
    for (int i = 0; i < 12; i++) {
        g[i] = 1.0;
        out[i] = 7.0;
    }
    dopt_e2e *e2e = create(2, 2, 2.0, DOPT_E2E_NESTED);
    ASSERT_FAILS(dopt_e2e_update(e2e, dopt_mat_f32(w32, 2, 2), dopt_cmat_f32(g32, 2, 2), 0.01, 1e45),
                 DOPT_ERR_NUMERICAL, "overflows");
    assert_true(w32[0] == 1.0F && w32[3] == 2.0F);
    dopt_e2e_destroy(&e2e);
    e2e = create(2, 6, 2.0, DOPT_E2E_NESTED);
    ASSERT_FAILS(dopt_e2e_update(e2e, dopt_mat_f64(w, 2, 6), dopt_cmat_f64(g, 2, 6), 0.01, 1e302), DOPT_ERR_NUMERICAL,
                 "overflows");
    assert_true(w[0] == 1e10 && w[7] == 2e10);
    dopt_e2e_destroy(&e2e);
    e2e = create(2, 2, 3.0, DOPT_E2E_NESTED);
    const double tiny[4] = { 2e-50, 1e-50, 1e-50, 2e-50 }, huge[4] = { 6e307, 0, 0, 6e307 };
    ASSERT_FAILS(dopt_e2e_apply(e2e, dopt_cmat_f64(tiny, 2, 2), dopt_cmat_f64(huge, 2, 2), dopt_mat_f64(out, 2, 2)),
                 DOPT_ERR_NUMERICAL, "overflows");
    assert_true(out[0] == 7.0 && out[3] == 7.0);
    dopt_e2e_destroy(&e2e);
    e2e = create(2, 2, 1e6, DOPT_E2E_NESTED); /* the depth is a factor of the result */
    const double one[4] = { 1, 0, 0, 1 }, many[4] = { 1e303, 0, 0, 1e303 };
    ASSERT_FAILS(dopt_e2e_apply(e2e, dopt_cmat_f64(one, 2, 2), dopt_cmat_f64(many, 2, 2), dopt_mat_f64(out, 2, 2)),
                 DOPT_ERR_NUMERICAL, "overflows");
    assert_true(out[0] == 7.0 && out[3] == 7.0);
    dopt_e2e_destroy(&e2e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extreme_magnitudes_of_a_row), cmocka_unit_test(all_magnitudes),
        cmocka_unit_test(all_magnitudes_of_float32),   cmocka_unit_test(what_just_fits_is_written),
        cmocka_unit_test(overflow_is_never_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
