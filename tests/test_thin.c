/* SPDX-License-Identifier: MIT */
/* Products with a thin side, in every layout and dtype, against the textbook. */
#include "base/cpu.h"
#include "linalg/line_kernels.h"
#include "linalg/thin.h"
#include "support/support.h"

static void every_side_may_be_thin(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(800); round++) {
        ptrdiff_t extent[3];
        for (int i = 0; i < 3; i++)
            extent[i] = test_int(&rng, 0, 2) ? 1 + test_int(&rng, 0, 5) : test_size(&rng, 150);
        const ptrdiff_t m = extent[0], k = extent[1], n = extent[2];
        const dopt_dtype dtype = round % 3 ? DOPT_F64 : DOPT_F32;
        test_array a = test_array_new(m, k, dtype, test_any_layout(&rng));
        test_array b = test_array_new(k, n, dtype, test_any_layout(&rng));
        test_array c = test_array_new(m, n, dtype, test_any_layout(&rng));
        test_array want = test_array_new(m, n, DOPT_F64, TEST_ROWS);
        test_fill(&rng, a.view);
        test_fill(&rng, b.view);
        test_multiply(dopt_const(a.view), dopt_const(b.view), want.view);
        dopt__multiply(dopt_const(a.view), dopt_const(b.view), c.view);
        const double scale = test_norm(dopt_const(a.view)) * test_norm(dopt_const(b.view));
        ASSERT_CLOSE(test_distance(dopt_const(c.view), dopt_const(want.view)), 0.0,
                     (double)k * test_eps(dtype) * scale);
        test_array_padding(&c);
        test_array_free(&a);
        test_array_free(&b);
        test_array_free(&c);
        test_array_free(&want);
    }
}

/* Line by line the sums are those of the kernels, bit by bit: a BLAS adds otherwise. */
static void thin_sums_have_the_order_of_the_kernels(void **state)
{
    (void)state;
    enum { m = 3, k = 100, n = 150 };
    static double a[m * k], b[k * n], c[m * n], want[m * n];
    dopt_rng rng = test_rng_begin(__func__);
    const dopt__line_kernels *kernels = &DOPT__BY_ISA(dopt__line_table, dopt__cpu_isa())->of[DOPT_F64];
    test_fill(&rng, dopt_mat_f64(a, m, k));
    test_fill(&rng, dopt_mat_f64(b, k, n));
    const void *rows[k], *cols[n];
    for (int l = 0; l < k; l++)
        rows[l] = b + l * n;
    for (int j = 0; j < n; j++)
        cols[j] = b + j * k;
    for (int i = 0; i < m; i++)
        kernels->add(k, rows, n, a + i * k, want + i * n);
    dopt__multiply(dopt_cmat_f64(a, m, k), dopt_cmat_f64(b, k, n), dopt_mat_f64(c, m, n));
    ASSERT_MAT_SAME(dopt_cmat_f64(c, m, n), dopt_cmat_f64(want, m, n));
    for (int i = 0; i < m; i++)
        kernels->dot(n, cols, k, a + i * k, want + i * n);
    dopt__multiply(dopt_cmat_f64(a, m, k), dopt_ctransposed(dopt_cmat_f64(b, n, k)), dopt_mat_f64(c, m, n));
    ASSERT_MAT_SAME(dopt_cmat_f64(c, m, n), dopt_cmat_f64(want, m, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_side_may_be_thin),
                                        cmocka_unit_test(thin_sums_have_the_order_of_the_kernels) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
