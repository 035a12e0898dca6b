/* SPDX-License-Identifier: MIT */
/* Products, norms, scans and copies in every layout and dtype, against the textbook. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "linalg/blas.h"
#include "linalg/finite.h"
#include "linalg/lapack.h"
#include "linalg/scan.h"
#include "linalg/scan_kernels.h"
#include "support/support.h"

static void products_in_every_layout(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < 128; round++) {
        const ptrdiff_t m = test_size(&rng, 20), n = test_size(&rng, 20), k = test_size(&rng, 20);
        const dopt_dtype dtype = round < 64 ? DOPT_F64 : DOPT_F32;
        test_array a = test_array_new(m, k, dtype, (test_layout)(round % 4));
        test_array b = test_array_new(k, n, dtype, (test_layout)(round / 4 % 4));
        test_array c = test_array_new(m, n, dtype, (test_layout)(round / 16 % 4));
        test_array s = test_array_new(m, m, dtype, (test_layout)(round / 16 % 4));
        double want[400], square[400];
        test_fill(&rng, a.view);
        test_fill(&rng, b.view);
        dopt__gemm(2.0, dopt_const(a.view), dopt_const(b.view), 0.0,
                   c.view); /* c is NaN before: beta 0 does not read */
        dopt__gemm(1.0, dopt_const(a.view), dopt_const(b.view), 0.5, c.view);
        dopt__syrk_upper(dopt_const(a.view), s.view);
        test_multiply(dopt_const(a.view), dopt_const(b.view), dopt_mat_f64(want, m, n));
        test_multiply(dopt_const(a.view), dopt_ctransposed(dopt_const(a.view)), dopt_mat_f64(square, m, m));
        const double tiny = 10.0 * (double)k * test_eps(dtype) * test_norm(dopt_const(a.view));
        for (ptrdiff_t r = 0; r < m; r++) {
            for (ptrdiff_t i = 0; i < n; i++)
                ASSERT_CLOSE(test_get(dopt_const(c.view), r, i), 2.0 * want[r * n + i],
                             tiny * (1.0 + test_norm(dopt_const(b.view))));
            for (ptrdiff_t i = r; i < m; i++)
                ASSERT_CLOSE(test_get(dopt_const(s.view), r, i), square[r * m + i],
                             tiny * (1.0 + test_norm(dopt_const(a.view))));
        }
        test_array_padding(&a);
        test_array_padding(&b);
        test_array_padding(&c);
        test_array_padding(&s);
        test_array_free(&a);
        test_array_free(&b);
        test_array_free(&c);
        test_array_free(&s);
    }
}

static void one_bad_number_is_found_anywhere(void **state)
{
    (void)state;
    for (int round = 0; round < 3 * 2 * TEST_LAYOUTS; round++) {
        const dopt_dtype dtype = round % 2 ? DOPT_F32 : DOPT_F64;
        const ptrdiff_t rows = 1 + round / 8, n = rows * 300;
        test_array a = test_array_new(rows, 300, dtype, (test_layout)(round / 2 % TEST_LAYOUTS));
        for (ptrdiff_t i = 0; i < n; i++)
            test_set(a.view, i / 300, i % 300, -(double)i);
        assert_true(dopt__max_abs(dopt_const(a.view)) == (double)(n - 1));
        for (ptrdiff_t i = 0; i < n; i += 37) {
            test_set(a.view, i / 300, i % 300, test_nonfinite[round / 8]);
            assert_false(dopt__all_finite(dopt_const(a.view)));
            assert_false(dopt__lines_finite(dopt_const(a.view)));
            assert_int_equal(dopt__check_finite("f", "a", dopt_const(a.view)), DOPT_ERR_NONFINITE);
            test_set(a.view, i / 300, i % 300, 1.0);
            assert_true(dopt__all_finite(dopt_const(a.view)));
            assert_true(dopt__lines_finite(dopt_const(a.view)));
        }
        test_array_padding(&a);
        test_array_free(&a);
    }
}

/* Of a single row the row stride says nothing: every second number, whatever it is; and of a column likewise. */
static void gaps_are_not_looked_at(void **state)
{
    (void)state;
    enum { n = 9 };
    double a[2 * n], copy[n];
    for (int i = 0; i < n; i++) {
        a[2 * i] = i + 1.0;
        a[2 * i + 1] = NAN;
    }
    for (ptrdiff_t other = 1; other <= 2 * n; other++) {
        const dopt_cmat row = { a, 1, n, other, 2, DOPT_F64 };
        assert_true(dopt__max_abs(row) == n && dopt__max_abs(dopt_ctransposed(row)) == n);
        dopt__copy(1.0, row, dopt_mat_f64(copy, 1, n));
        for (int i = 0; i < n; i++)
            assert_true(copy[i] == i + 1.0);
        dopt__copy(-1.0, dopt_ctransposed(row), dopt_mat_f64(copy, n, 1));
        for (int i = 0; i < n; i++)
            assert_true(copy[i] == -i - 1.0);
    }
}

static void norms_do_not_overflow(void **state)
{
    (void)state;
    static const double sizes[] = { 5e-324, 1e-310, 1e-200, 1.0, 1e200, 1e307 };
    for (int i = 0; i < 6; i++) {
        const double a[4] = { 3.0 * sizes[i], 0.0, 0.0, 4.0 * sizes[i] }, want = 5.0 * sizes[i];
        ASSERT_CLOSE(dopt__norm(dopt_cmat_f64(a, 2, 2)), want, 4.0 * test_eps(DOPT_F64) * want);
    }
    const double zero[1] = { 0.0 };
    assert_true(dopt__norm(dopt_cmat_f64(zero, 1, 1)) == 0.0);
}

static void copies_between_layouts_and_dtypes(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < 64; round++) {
        const ptrdiff_t m = test_size(&rng, 40), n = 1 + test_int(&rng, 0, 600);
        test_array a = test_array_new(m, n, round % 2 ? DOPT_F32 : DOPT_F64, (test_layout)(round / 2 % 4));
        test_array b = test_array_new(m, n, round % 3 ? DOPT_F32 : DOPT_F64, (test_layout)(round / 8 % 4));
        test_fill(&rng, a.view);
        dopt__copy(-2.0, dopt_const(a.view), b.view);
        for (ptrdiff_t r = 0; r < m; r++)
            for (ptrdiff_t c = 0; c < n; c++) {
                const double want = -2.0 * test_get(dopt_const(a.view), r, c);
                assert_true(test_get(dopt_const(b.view), r, c) == (round % 3 ? (double)(float)want : want));
            }
        dopt__fill(b.view, 3.0);
        assert_true(test_get(dopt_const(b.view), m - 1, n - 1) == 3.0);
        test_array_padding(&a);
        test_array_padding(&b);
        test_array_free(&a);
        test_array_free(&b);
    }
}

static void memory_is_aligned_and_counted(void **state)
{
    (void)state;
    test_memory memory = { .left = -1 };
    const dopt_allocator allocator = test_allocator(&memory), half = { allocator.allocate, NULL, NULL };
    for (size_t count = 0; count < 200; count += 7) {
        double *p = dopt__alloc(&allocator, count, sizeof *p);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % DOPT__ALIGN, 0);
        for (size_t i = 0; i < count; i++)
            assert_true(p[i] == 0.0);
        dopt__release(&allocator, p);
    }
    assert_int_equal(memory.live, 0);
    assert_null(dopt__alloc(&allocator, SIZE_MAX / 4, 8));
    assert_null(dopt__alloc(NULL, SIZE_MAX, 1));
    dopt__release(NULL, NULL);
    assert_int_equal(dopt__check_allocator("f", &half), DOPT_ERR_INVALID);
    assert_int_equal(dopt__check_allocator("f", &allocator), DOPT_OK);
}

enum { most = 75 }; /* numbers of a scan */

/* From either dtype to either: the product in double, rounded once. */
static void scales_by_dtypes(const dopt__scan_kernels *kernels, ptrdiff_t n, const double *w, const float *w32)
{
    double out[most];
    float out32[most];
    for (int from = DOPT_F64; from <= DOPT_F32; from++) {
        const void *numbers = from == DOPT_F64 ? (const void *)w : (const void *)w32;
        kernels->scale[from][DOPT_F64](0.3, numbers, n, out);
        kernels->scale[from][DOPT_F32](0.3, numbers, n, out32);
        for (ptrdiff_t i = 0; i < n; i++)
            assert_true(out[i] == 0.3 * w[i] && out32[i] == (float)(0.3 * w[i]));
    }
}

/* All instruction sets that this machine has give the same bits, and the textbook's numbers. */
static void scans_agree_in_all_instruction_sets(void **state)
{
    (void)state;
    double w[most], g[most], out[most], want[most];
    float w32[most], g32[most], out32[most];
    dopt_rng rng = test_rng_begin(__func__);
    for (ptrdiff_t n = 1; n <= most; n++) {
        double largest = 0.0, ww = 0.0, wg = 0.0, gg = 0.0;
        for (ptrdiff_t i = 0; i < n; i++) {
            w[i] = w32[i] = (float)dopt_rng_normal(&rng);
            g[i] = g32[i] = (float)dopt_rng_normal(&rng);
            largest = fmax(largest, fabs(w[i]));
            ww += w[i] * w[i];
            wg += w[i] * g[i];
            gg += g[i] * g[i];
        }
        const dopt__pair_sums plain = DOPT__BY_ISA(dopt__scan_kernels, DOPT__PLAIN)->sums_f64(w, g, n);
        DOPT__BY_ISA(dopt__scan_kernels, DOPT__PLAIN)->combine_f64(0.3, w, -0.7, g, n, want);
        ASSERT_CLOSE(plain.ww, ww, 4.0 * (double)n * test_eps(DOPT_F64) * ww);
        ASSERT_CLOSE(plain.wg, wg, 4.0 * (double)n * test_eps(DOPT_F64) * sqrt(ww * gg));
        ASSERT_CLOSE(plain.gg, gg, 4.0 * (double)n * test_eps(DOPT_F64) * gg);
        for (int isa = DOPT__PLAIN; isa <= (int)dopt__cpu_isa(); isa++) {
            const dopt__scan_kernels *kernels = DOPT__BY_ISA(dopt__scan_kernels, (dopt__isa)isa);
            const dopt__pair_sums wide = kernels->sums_f64(w, g, n), narrow = kernels->sums_f32(w32, g32, n);
            assert_memory_equal(&wide, &plain, sizeof plain);
            assert_memory_equal(&narrow, &plain, sizeof plain);
            assert_true(kernels->largest_f64(w, n) == largest && (double)kernels->largest_f32(w32, n) == largest);
            kernels->combine_f64(0.3, w, -0.7, g, n, out);
            kernels->combine_f32(0.3, w32, -0.7, g32, n, out32);
            for (ptrdiff_t i = 0; i < n; i++) {
                ASSERT_CLOSE(want[i], 0.3 * w[i] - 0.7 * g[i], 2.0 * test_eps(DOPT_F64));
                assert_true(out[i] == want[i] && out32[i] == (float)want[i]);
            }
            scales_by_dtypes(kernels, n, w, w32);
        }
    }
}

static void blocks_are_where_they_say(void **state)
{
    (void)state;
    double a[5 * 7];
    float f[5 * 7];
    for (int i = 0; i < 35; i++)
        a[i] = f[i] = (float)i;
    const dopt_cmat rows = dopt_cblock(dopt_cmat_f64(a, 5, 7), 1, 2, 3, 4);
    const dopt_mat cols = dopt_block(dopt_transposed(dopt_mat_f32(f, 5, 7)), 2, 1, 4, 3);
    assert_true(rows.rows == 3 && rows.cols == 4 && cols.rows == 4 && cols.cols == 3 && cols.dtype == DOPT_F32);
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 4; c++) {
            assert_true(test_get(rows, r, c) == 7.0 * (r + 1) + c + 2);
            assert_true(test_get(dopt_const(cols), c, r) == test_get(rows, r, c));
        }
}

/* As Gram and Schmidt would make them: each row has a positive product with the one it came from. */
static void orthonormal_rows_keep_their_sides(void **state)
{
    (void)state;
    enum { k = 5, d = 8 };
    double a[k * d], q[k * d], *work = malloc(dopt__qr_doubles(k) * sizeof *work);
    dopt_rng rng = test_rng_begin(__func__);
    assert_non_null(work);
    for (int round = 0; round < 20; round++) {
        test_fill(&rng, dopt_mat_f64(a, k, d));
        memcpy(q, a, sizeof a);
        assert_true(dopt__orthonormal_rows(k, d, q, work));
        for (int i = 0; i < k; i++) {
            double along = 0.0;
            for (int c = 0; c < d; c++)
                along += a[i * d + c] * q[i * d + c];
            assert_true(along > 0.0);
        }
    }
    free(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scans_agree_in_all_instruction_sets),
        cmocka_unit_test(blocks_are_where_they_say),
        cmocka_unit_test(products_in_every_layout),
        cmocka_unit_test(one_bad_number_is_found_anywhere),
        cmocka_unit_test(gaps_are_not_looked_at),
        cmocka_unit_test(norms_do_not_overflow),
        cmocka_unit_test(copies_between_layouts_and_dtypes),
        cmocka_unit_test(memory_is_aligned_and_counted),
        cmocka_unit_test(orthonormal_rows_keep_their_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
