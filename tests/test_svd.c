/* SPDX-License-Identifier: MIT */
/*
 * The basis of a matrix: W = U S V^T with orthonormal U and V, to a small multiple of n eps, for spectra on which a
 * single Gram matrix fails, with either method and every way around.
 */
#include <math.h>
#include <stdlib.h>

#include "linalg/blas.h"
#include "linalg/eigh.h"
#include "linalg/orthogonal.h"
#include "linalg/scan.h"
#include "linalg/svd.h"
#include "support/support.h"

enum { most = 60 };

/* Spectra of n values; the largest is 1. */
static double spectrum(int kind, ptrdiff_t i, ptrdiff_t n, dopt_rng *rng)
{
    static const double clusters[] = { 1.0, 0.05, 0.0025, 1e-6, 1e-9, 1e-12 };
    const double x = n > 1 ? (double)i / (double)(n - 1) : 0.0;
    switch (kind) {
    case 0: return 0.1 + fabs(dopt_rng_normal(rng));
    case 1: return pow(10.0, -10.0 * x);
    case 2: return pow(10.0, -14.0 * x);
    case 3: return clusters[i * 6 / n];
    case 4: return 0.37;
    case 5: return i < (n + 1) / 2 ? 1.0 + dopt_rng_uniform(rng) : 0.0;
    case 6: return i == 0 ? 1.0 : 1e-5 * (1.0 + 1e-9 * dopt_rng_normal(rng));
    /* Pairs so close that the rotation between them has a second order, and a few values far apart. */
    case 7: return pow(10.0, -10.0 * (double)(i / 2) / (double)((n + 1) / 2)) * (i % 2 ? 1.0 : 1.0005);
    default: return pow(2.15e-5, (double)i * 3.0 / (double)(n > 3 ? n - 1 : 3));
    }
}

enum { spectra = 9 };

/* w = Q1 diag(s) Q2, k x d. */
static void make(dopt_rng *rng, int kind, dopt_mat w)
{
    static double q1[most * most], q2[most * most], product[most * most];
    const dopt_mat left = dopt_mat_f64(q1, w.rows, w.rows), right = dopt_mat_f64(q2, w.rows, w.cols);
    test_fill(rng, left);
    test_fill(rng, right);
    ASSERT_OK(dopt__orthonormalise(left, NULL));
    ASSERT_OK(dopt__orthonormalise(right, NULL));
    for (ptrdiff_t i = 0; i < w.rows; i++) {
        const double s = spectrum(kind, i, w.rows, rng);
        for (ptrdiff_t c = 0; c < w.cols; c++)
            q2[i * w.cols + c] *= s;
    }
    test_multiply(dopt_const(left), dopt_const(right), dopt_mat_f64(product, w.rows, w.cols));
    test_copy(dopt_cmat_f64(product, w.rows, w.cols), w);
}

/* || rows rows^T - I ||_F in units of n eps. */
static double orthogonality(dopt_cmat rows)
{
    static double gram[most * most];
    if (rows.rows == 0)
        return 0.0;
    const dopt_mat g = dopt_mat_f64(gram, rows.rows, rows.rows);
    test_multiply(rows, dopt_ctransposed(rows), g);
    for (ptrdiff_t i = 0; i < rows.rows; i++)
        gram[i * rows.rows + i] -= 1.0;
    return test_norm(dopt_const(g)) / ((double)rows.cols * test_eps(DOPT_F64));
}

/* Residual and orthogonality of the result, in units of d eps (times ||w||). */
static void check(dopt__svd *svd, dopt_cmat w, double tolerance)
{
    static double us[most * most], product[most * most];
    const ptrdiff_t first = dopt__svd_first(svd), rank = dopt__svd_rank(svd);
    const dopt_cmat u = dopt_const(dopt__svd_u(svd)), vt = dopt_const(dopt__svd_vt(svd));
    const dopt_mat back = dopt_mat_f64(product, w.rows, w.cols);
    assert_true(orthogonality(dopt_ctransposed(u)) < tolerance);
    assert_true(orthogonality(vt) < tolerance);
    for (ptrdiff_t r = 0; r < w.rows; r++)
        for (ptrdiff_t i = 0; i < rank; i++)
            us[r * rank + i] = test_get(u, r, first + i) * dopt__svd_values(svd)[first + i];
    dopt__fill(back, 0.0);
    if (rank > 0)
        test_multiply(dopt_cmat_f64(us, w.rows, rank), vt, back);
    const double unit = (double)w.cols * test_eps(w.dtype) * test_norm(w);
    assert_true(test_distance(dopt_const(back), w) <= tolerance * unit);
}

static void check_all_ways(dopt__svd_method method, unsigned allowed, dopt__svd_route route)
{
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(40); round++) {
        const ptrdiff_t k = test_size(&rng, 40), d = k + test_int(&rng, 0, most - k);
        const test_layout layout = test_any_layout(&rng);
        const dopt_dtype dtype = test_int(&rng, 0, 3) == 0 ? DOPT_F32 : DOPT_F64;
        const double scale = round % 5 == 0 && dtype == DOPT_F64 ? ldexp(1.0, round % 2 ? 900 : -900) : 1.0;
        test_array w = test_array_new(k, d, dtype, layout);
        make(&rng, round % spectra, w.view);
        dopt__svd *svd = dopt__svd_create(k, d, method, NULL);
        assert_non_null(svd);
        dopt__svd_allow(svd, allowed);
        if (scale == 1.0) {
            assert_true(dopt__svd_compute(svd, dopt_const(w.view), dopt__max_abs(dopt_const(w.view))));
            assert_int_equal(dopt__svd_route_taken(svd), route);
            /* MRRR finds each vector by itself, and so is orthogonal to a larger multiple of n eps. */
            check(svd, dopt_const(w.view), route == DOPT__ROUTE_NESTED_MRRR ? 1000.0 : 30.0);
        } else { /* the values scale with the matrix, exactly */
            dopt__copy(scale, dopt_const(w.view), w.view);
            assert_true(dopt__svd_compute(svd, dopt_const(w.view), dopt__max_abs(dopt_const(w.view))));
            double sum = 0.0;
            for (ptrdiff_t i = 0; i < k; i++)
                sum = hypot(sum, dopt__svd_values(svd)[i] / scale);
            dopt__copy(1.0 / scale, dopt_const(w.view), w.view);
            ASSERT_CLOSE(sum, test_norm(dopt_const(w.view)), 1e-13 * sum);
        }
        test_array_padding(&w);
        test_array_free(&w);
        dopt__svd_destroy(svd);
    }
}

/* Four values over fourteen decades: rows of a later level carry the rounding of what was taken before. */
static void few_values_far_apart(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    double w[4 * 9];
    dopt__svd *svd = dopt__svd_create(4, 9, DOPT__SVD_NESTED, NULL);
    for (int round = 0; round < test_rounds(200); round++) {
        make(&rng, 8, dopt_mat_f64(w, 4, 9));
        assert_true(dopt__svd_compute(svd, dopt_cmat_f64(w, 4, 9), dopt__max_abs(dopt_cmat_f64(w, 4, 9))));
        check(svd, dopt_cmat_f64(w, 4, 9), 30.0);
    }
    dopt__svd_destroy(svd);
}

static void nested_is_an_svd(void **state)
{
    (void)state;
    check_all_ways(DOPT__SVD_NESTED, DOPT__SVD_ALLOW_ALL, DOPT__ROUTE_NESTED);
}

static void lapack_is_an_svd(void **state)
{
    (void)state;
    check_all_ways(DOPT__SVD_LAPACK, DOPT__SVD_ALLOW_ALL, DOPT__ROUTE_LAPACK);
}

static void mrrr_steps_in(void **state)
{
    (void)state;
    check_all_ways(DOPT__SVD_NESTED, DOPT__EIGH_MRRR, DOPT__ROUTE_NESTED_MRRR);
}

static void jacobi_is_the_last_resort(void **state)
{
    (void)state;
    check_all_ways(DOPT__SVD_NESTED, 0, DOPT__ROUTE_JACOBI);
    check_all_ways(DOPT__SVD_LAPACK, 0, DOPT__ROUTE_JACOBI);
}

/* Both methods give the same values, down to those at the level of rounding. */
static void methods_agree(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    double w[most * most];
    for (int kind = 0; kind < spectra; kind++) {
        const ptrdiff_t k = 30, d = 50;
        make(&rng, kind, dopt_mat_f64(w, k, d));
        dopt__svd *a = dopt__svd_create(k, d, DOPT__SVD_NESTED, NULL),
                  *b = dopt__svd_create(k, d, DOPT__SVD_LAPACK, NULL);
        assert_true(dopt__svd_compute(a, dopt_cmat_f64(w, k, d), 1.0));
        assert_true(dopt__svd_compute(b, dopt_cmat_f64(w, k, d), 1.0));
        double difference = 0.0, top = dopt__svd_values(b)[0];
        for (ptrdiff_t i = 0; i < k; i++) {
            double nearest = INFINITY; /* the order is that of the levels */
            for (ptrdiff_t j = 0; j < k; j++)
                nearest = fmin(nearest, fabs(dopt__svd_values(a)[j] - dopt__svd_values(b)[i]));
            difference = fmax(difference, nearest);
        }
        ASSERT_CLOSE(difference, 0.0, 30.0 * (double)d * test_eps(DOPT_F64) * top);
        dopt__svd_destroy(a);
        dopt__svd_destroy(b);
    }
}

static void zero_has_rank_zero(void **state)
{
    (void)state;
    double w[6] = { 0 };
    dopt__svd *svd = dopt__svd_create(2, 3, DOPT__SVD_NESTED, NULL);
    assert_true(dopt__svd_compute(svd, dopt_cmat_f64(w, 2, 3), 0.0));
    assert_int_equal(dopt__svd_rank(svd), 0);
    assert_true(orthogonality(dopt_const(dopt__svd_u(svd))) == 0.0);
    dopt__svd_destroy(svd);
}

/*
 * Hundreds of values over many decades: the corrected level then rotates rows that lie close together, to second order
 * and twice, or the rows of V would be orthogonal to the square of the rotation only.
 */
static void large_graded_matrices_stay_orthogonal(void **state)
{
    (void)state;
    static const double decades[] = { 4.0, 6.0, 10.0 };
    enum { k = 300, d = 320 };
    double *w = malloc(k * d * sizeof *w), *q = malloc(k * k * sizeof *q), *gram = malloc(k * k * sizeof *gram);
    dopt_rng rng = test_rng_begin(__func__);
    assert_true(w && q && gram);
    const dopt_mat matrix = dopt_mat_f64(w, k, d), left = dopt_mat_f64(q, k, k), g = dopt_mat_f64(gram, k, k);
    double *rows = malloc(k * d * sizeof *rows);
    assert_non_null(rows);
    dopt__svd *svd = dopt__svd_create(k, d, DOPT__SVD_NESTED, NULL);
    assert_non_null(svd);
    for (size_t i = 0; i < sizeof decades / sizeof *decades; i++) {
        test_fill(&rng, left);
        test_fill(&rng, dopt_mat_f64(rows, k, d));
        ASSERT_OK(dopt__orthonormalise(left, NULL));
        ASSERT_OK(dopt__orthonormalise(dopt_mat_f64(rows, k, d), NULL));
        for (ptrdiff_t r = 0; r < k; r++)
            for (ptrdiff_t c = 0; c < d; c++)
                rows[r * d + c] *= pow(10.0, -decades[i] * (double)r / (double)k);
        dopt__gemm(1.0, dopt_const(left), dopt_cmat_f64(rows, k, d), 0.0, matrix);
        assert_true(dopt__svd_compute(svd, dopt_const(matrix), dopt__max_abs(dopt_const(matrix))));
        assert_int_equal(dopt__svd_rank(svd), k);
        const dopt_cmat factors[] = { dopt_const(dopt__svd_vt(svd)), dopt_ctransposed(dopt_const(dopt__svd_u(svd))) };
        for (int f = 0; f < 2; f++) {
            dopt__gemm(1.0, factors[f], dopt_ctransposed(factors[f]), 0.0, g);
            for (ptrdiff_t r = 0; r < k; r++)
                gram[r * (k + 1)] -= 1.0;
            assert_true(test_norm(dopt_const(g)) < 10.0 * d * test_eps(DOPT_F64)); /* 23 with one rotation */
        }
    }
    dopt__svd_destroy(svd);
    free(rows);
    free(gram);
    free(q);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_is_an_svd),     cmocka_unit_test(lapack_is_an_svd),
        cmocka_unit_test(mrrr_steps_in),        cmocka_unit_test(jacobi_is_the_last_resort),
        cmocka_unit_test(methods_agree),        cmocka_unit_test(zero_has_rank_zero),
        cmocka_unit_test(few_values_far_apart), cmocka_unit_test(large_graded_matrices_stay_orthogonal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
