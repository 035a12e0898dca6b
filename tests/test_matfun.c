/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "support/support.h"

/* a = b b^T: powers add, a^1 = a, a^0 = I, in any layout, in place, for both dtypes. */
static void powers_add(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(80); round++) {
        const ptrdiff_t n = test_size(&rng, 30);
        const dopt_dtype dtype = round % 4 == 3 ? DOPT_F32 : DOPT_F64;
        double b[900], gram[900], p[900], q[900], product[900];
        test_array a = test_array_new(n, n, dtype, test_any_layout(&rng));
        test_fill(&rng, dopt_mat_f64(b, n, n));
        for (ptrdiff_t i = 0; i < n; i++)
            b[i * n + i] += 8.0;
        test_multiply(dopt_cmat_f64(b, n, n), dopt_ctransposed(dopt_cmat_f64(b, n, n)), dopt_mat_f64(gram, n, n));
        test_copy(dopt_cmat_f64(gram, n, n), a.view);
        ASSERT_OK(dopt_sym_power(dopt_cmat_f64(gram, n, n), 0.3, dopt_mat_f64(p, n, n)));
        ASSERT_OK(dopt_sym_power(dopt_cmat_f64(gram, n, n), 0.7, dopt_mat_f64(q, n, n)));
        test_multiply(dopt_cmat_f64(p, n, n), dopt_cmat_f64(q, n, n), dopt_mat_f64(product, n, n));
        ASSERT_MAT_CLOSE(dopt_cmat_f64(product, n, n), dopt_cmat_f64(gram, n, n), 100.0);
        ASSERT_OK(dopt_sym_power(dopt_const(a.view), 1.0, a.view));
        ASSERT_MAT_CLOSE(dopt_const(a.view), dopt_cmat_f64(gram, n, n), 30.0);
        ASSERT_OK(dopt_sym_power(dopt_const(a.view), 0.0, a.view));
        for (ptrdiff_t i = 0; i < n * n; i++)
            ASSERT_CLOSE(test_get(dopt_const(a.view), i / n, i % n), i / n == i % n ? 1.0 : 0.0,
                         30.0 * (double)n * test_eps(dtype));
        test_array_padding(&a);
        test_array_free(&a);
    }
}

static void bad_arguments(void **state)
{
    (void)state;
    double a[4] = { 1, 2, 0, 1 }, negative[4] = { 1, 0, 0, -1 }, large[4] = { 1e300, 0, 0, 1 }, out[4] = { 7, 7, 7, 7 };
    const dopt_mat o = dopt_mat_f64(out, 2, 2);
    ASSERT_FAILS(dopt_sym_power(dopt_cmat_f64(a, 2, 2), 0.5, o), DOPT_ERR_INVALID, "a is not symmetric");
    ASSERT_FAILS(dopt_sym_power(dopt_cmat_f64(negative, 2, 2), 0.5, o), DOPT_ERR_NUMERICAL, "eigenvalue -1");
    ASSERT_FAILS(dopt_sym_power(dopt_cmat_f64(large, 2, 2), 2.0, o), DOPT_ERR_NUMERICAL, "overflows");
    ASSERT_FAILS(dopt_sym_power(dopt_cmat_f64(large, 2, 2), -1.0, o), DOPT_ERR_INVALID, "power is -1");
    ASSERT_FAILS(dopt_sym_power(dopt_cmat_f64(large, 1, 4), 1.0, o), DOPT_ERR_SHAPE, "must be square");
    large[3] = NAN;
    ASSERT_FAILS(dopt_sym_power(dopt_cmat_f64(large, 2, 2), 1.0, o), DOPT_ERR_NONFINITE, "a[1, 1]");
    for (int i = 0; i < 4; i++)
        assert_true(out[i] == 7.0);
    large[3] = 1e-300;
    ASSERT_OK(dopt_sym_power(dopt_cmat_f64(large, 2, 2), 0.5, o));
    ASSERT_CLOSE(out[0], 1e150, 1e136);
}

/* n eps times the largest element, and no more; what is refused is named. */
static void rounding_counts_as_symmetric(void **state)
{
    (void)state;
    const double ulp = 2.0 * test_eps(DOPT_F64);
    double out[9], named[9] = { 1, 0, 0, 0, 1, 0.5, 0, 0.25, 1 };
    for (int exponent = -600; exponent <= 600; exponent += 100) {
        const double c = ldexp(1.0, exponent), near = (0.5 + ulp) * c, far = (0.5 + 1.25 * ulp) * c;
        const double allowed[4] = { c, 0.5 * c, near, c }, beyond[4] = { c, 0.5 * c, far, c };
        ASSERT_OK(dopt_sym_power(dopt_cmat_f64(allowed, 2, 2), 0.5, dopt_mat_f64(out, 2, 2)));
        ASSERT_FAILS(dopt_sym_power(dopt_cmat_f64(beyond, 2, 2), 0.5, dopt_mat_f64(out, 2, 2)), DOPT_ERR_INVALID,
                     "elements (1, 0) and (0, 1) differ");
    }
    ASSERT_FAILS(dopt_sym_power(dopt_cmat_f64(named, 3, 3), 0.5, dopt_mat_f64(out, 3, 3)), DOPT_ERR_INVALID,
                 "elements (2, 1) and (1, 2) differ by 0.25 times");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(powers_add), cmocka_unit_test(bad_arguments),
                                        cmocka_unit_test(rounding_counts_as_symmetric) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
