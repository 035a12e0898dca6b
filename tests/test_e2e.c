/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "linalg/orthogonal.h"
#include "linalg/scan.h"
#include "support/support.h"

enum { most = 40, large_most = 140 };

static dopt_e2e *create(ptrdiff_t rows, ptrdiff_t cols, double depth, dopt_e2e_method method)
{
    static test_memory memory = { .left = -1 };
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    dopt_e2e *e2e = NULL;
    options.method = method;
    options.allocator = test_allocator(&memory);
    ASSERT_OK(dopt_e2e_create(rows, cols, depth, &options, &e2e));
    return e2e;
}

/* The printed formula at N = 2, by dopt_sym_power: (W W^T)^{1/2} G + G (W^T W)^{1/2}. */
static void depth_two_is_the_printed_formula(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(50); round++) {
        const ptrdiff_t k = test_size(&rng, 20), d = test_size(&rng, 20);
        double w[400], g[400], p[400], want[400], part[400], gram[400], root[400];
        const dopt_mat wm = dopt_mat_f64(w, k, d), gm = dopt_mat_f64(g, k, d), sum = dopt_mat_f64(want, k, d);
        test_fill(&rng, wm);
        test_fill(&rng, gm);
        test_multiply(dopt_const(wm), dopt_ctransposed(dopt_const(wm)), dopt_mat_f64(gram, k, k));
        ASSERT_OK(dopt_sym_power(dopt_cmat_f64(gram, k, k), 0.5, dopt_mat_f64(root, k, k)));
        test_multiply(dopt_cmat_f64(root, k, k), dopt_const(gm), sum);
        test_multiply(dopt_ctransposed(dopt_const(wm)), dopt_const(wm), dopt_mat_f64(gram, d, d));
        ASSERT_OK(dopt_sym_power(dopt_cmat_f64(gram, d, d), 0.5, dopt_mat_f64(root, d, d)));
        test_multiply(dopt_const(gm), dopt_cmat_f64(root, d, d), dopt_mat_f64(part, k, d));
        for (ptrdiff_t i = 0; i < k * d; i++)
            want[i] += part[i];
        dopt_e2e *e2e = create(k, d, 2.0, DOPT_E2E_NESTED);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(wm), dopt_const(gm), dopt_mat_f64(p, k, d)));
        /* The formula's own error is sqrt(eps) ||W|| on the null space of W, whatever the norm of the result. */
        const double allowed = k == d ? 1e-8 : 2e-7;
        ASSERT_CLOSE(test_distance(dopt_cmat_f64(p, k, d), dopt_const(sum)), 0.0, allowed * test_norm(dopt_const(sum)));
        dopt_e2e_destroy(&e2e);
    }
}

/* W = diag, where P is K o G; real depths, depths beyond the sum's, and the limit. */
static void diagonal_has_a_closed_form(void **state)
{
    (void)state;
    static const double depths[] = { 1.0, 1.5, 2.0, 3.0, 7.0, 30.0, INFINITY };
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(140); round++) {
        const ptrdiff_t k = test_size(&rng, most), d = test_size(&rng, most), n = k < d ? k : d;
        const double depth = depths[round % 7];
        static double w[most * most], g[most * most], p[most * most], want[most * most];
        double sigma[most + 1], eigenvalues[most * most];
        memset(w, 0, sizeof w);
        test_fill(&rng, dopt_mat_f64(g, k, d));
        for (ptrdiff_t i = 0; i < n; i++)
            w[i * d + i] = 3.0 - 2.0 * (double)i / (double)n; /* descending */
        dopt_e2e *e2e = create(k, d, depth, round % 2 ? DOPT_E2E_SVD : DOPT_E2E_NESTED);
        sigma[n] = -7.0;
        ASSERT_OK(dopt_e2e_spectrum(e2e, dopt_cmat_f64(w, k, d), sigma, eigenvalues));
        assert_true(sigma[n] == -7.0);
        for (ptrdiff_t r = 0; r < k; r++)
            for (ptrdiff_t c = 0; c < d; c++) {
                const double a = r < n ? w[r * d + r] : 0.0, b = c < n ? w[c * d + c] : 0.0;
                double kernel = 0.0;
                if (isinf(depth))
                    kernel = a == b ? a * a : a * b == 0.0 ? 0.0 : (a * a - b * b) / (2.0 * log(a / b));
                else if (a == b)
                    kernel = depth * pow(a, 2.0 - 2.0 / depth);
                else
                    kernel = depth == 1.0 ? 1.0 : (a * a - b * b) / (pow(a, 2.0 / depth) - pow(b, 2.0 / depth));
                ASSERT_CLOSE(eigenvalues[r * d + c], kernel, 1e-12 * (1.0 + kernel));
                want[r * d + c] = kernel * g[r * d + c];
            }
        for (ptrdiff_t i = 0; i < n; i++)
            ASSERT_CLOSE(sigma[i], w[i * d + i], 1e-14);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(p, k, d)));
        /* Differences of powers in `want` cost digits where neighbours are close: 1/n apart at least. */
        const double error = test_distance(dopt_cmat_f64(p, k, d), dopt_cmat_f64(want, k, d));
        ASSERT_CLOSE(error, 0.0, 1e-12 * test_norm(dopt_cmat_f64(want, k, d)));
        dopt_e2e_destroy(&e2e);
    }
}

/* P_{W^T}(G^T) = P_W(G)^T, P_{cW} = c^{2-2/N} P_W, and P is symmetric: <P(A), B> = <A, P(B)>. */
static void transposes_scales_and_is_symmetric(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(60); round++) {
        const ptrdiff_t k = test_size(&rng, 30), d = test_size(&rng, 30);
        const double depth = 1.0 + 4.0 * dopt_rng_uniform(&rng), c = 2.0;
        double w[900], a[900], b[900], pa[900], pb[900], pt[900], ws[900];
        test_fill(&rng, dopt_mat_f64(w, k, d));
        test_fill(&rng, dopt_mat_f64(a, k, d));
        test_fill(&rng, dopt_mat_f64(b, k, d));
        dopt_e2e *e2e = create(k, d, depth, DOPT_E2E_NESTED), *other = create(d, k, depth, DOPT_E2E_NESTED);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, k, d), dopt_cmat_f64(a, k, d), dopt_mat_f64(pa, k, d)));
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, k, d), dopt_cmat_f64(b, k, d), dopt_mat_f64(pb, k, d)));
        ASSERT_OK(dopt_e2e_apply(other, dopt_ctransposed(dopt_cmat_f64(w, k, d)),
                                 dopt_ctransposed(dopt_cmat_f64(a, k, d)), dopt_transposed(dopt_mat_f64(pt, k, d))));
        ASSERT_MAT_CLOSE(dopt_cmat_f64(pt, k, d), dopt_cmat_f64(pa, k, d), 30.0);
        double left = 0.0, right = 0.0;
        for (ptrdiff_t i = 0; i < k * d; i++) {
            left += pa[i] * b[i];
            right += a[i] * pb[i];
            ws[i] = c * w[i];
        }
        ASSERT_CLOSE(left, right, 1e-12 * test_norm(dopt_cmat_f64(pa, k, d)) * test_norm(dopt_cmat_f64(b, k, d)));
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(ws, k, d), dopt_cmat_f64(a, k, d), dopt_mat_f64(pb, k, d)));
        for (ptrdiff_t i = 0; i < k * d; i++)
            pa[i] *= pow(c, 2.0 - 2.0 / depth);
        ASSERT_MAT_CLOSE(dopt_cmat_f64(pb, k, d), dopt_cmat_f64(pa, k, d), 30.0);
        dopt_e2e_destroy(&e2e);
        dopt_e2e_destroy(&other);
    }
}

/* update is w - lr P - lr wd N w, in every layout and dtype; apply may write onto w or grad. */
static void update_is_apply(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(96); round++) {
        const ptrdiff_t k = test_size(&rng, 20), d = test_size(&rng, 20);
        const double depth = round % 5 == 4 ? INFINITY : 1.0 + round % 4, lr = 0.03, wd = 0.1;
        const dopt_dtype dtype = round % 3 == 0 ? DOPT_F32 : DOPT_F64;
        test_array w = test_array_new(k, d, dtype, test_any_layout(&rng));
        test_array g = test_array_new(k, d, dtype, (test_layout)(round / 4 % TEST_LAYOUTS));
        test_array p = test_array_new(k, d, dtype, TEST_COLS_BLOCK);
        test_array want = test_array_new(k, d, dtype, TEST_ROWS);
        test_fill(&rng, w.view);
        test_fill(&rng, g.view);
        dopt_e2e *e2e = create(k, d, depth, DOPT_E2E_NESTED);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w.view), dopt_const(g.view), p.view));
        const double decay = isinf(depth) ? 1.0 : depth;
        for (ptrdiff_t r = 0; r < k; r++)
            for (ptrdiff_t c = 0; c < d; c++)
                test_set(want.view, r, c,
                         test_get(dopt_const(w.view), r, c) * (1.0 - lr * wd * decay) -
                             lr * test_get(dopt_const(p.view), r, c));
        ASSERT_OK(dopt_e2e_update(e2e, w.view, dopt_const(g.view), lr, wd));
        ASSERT_MAT_CLOSE(dopt_const(w.view), dopt_const(want.view), 30.0);
        test_fill(&rng, w.view);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w.view), dopt_const(g.view), want.view));
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w.view), dopt_const(g.view), g.view));
        ASSERT_MAT_CLOSE(dopt_const(g.view), dopt_const(want.view), 30.0);
        test_array_padding(&w);
        test_array_padding(&g);
        test_array_padding(&p);
        test_array_free(&w);
        test_array_free(&g);
        test_array_free(&p);
        test_array_free(&want);
        dopt_e2e_destroy(&e2e);
    }
}

/* W = Q1 diag(s) Q2 with s from 1 down to `least`, evenly on a logarithmic scale. */
static void make_graded(dopt_rng *rng, double least, dopt_mat w)
{
    static double q1[large_most * large_most], q2[large_most * large_most], product[large_most * large_most];
    const ptrdiff_t k = w.rows, d = w.cols, n = k < d ? k : d;
    const dopt_mat left = dopt_mat_f64(q1, n, k), right = dopt_mat_f64(q2, n, d);
    test_fill(rng, left);
    test_fill(rng, right);
    ASSERT_OK(dopt__orthonormalise(left, NULL));
    ASSERT_OK(dopt__orthonormalise(right, NULL));
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t c = 0; c < d; c++)
            q2[i * d + c] *= n > 1 ? pow(least, (double)i / (double)(n - 1)) : 1.0;
    test_multiply(dopt_ctransposed(dopt_const(left)), dopt_const(right), dopt_mat_f64(product, k, d));
    test_copy(dopt_cmat_f64(product, k, d), w);
}

/*
 * Both ways of the products, with V and, for wide W with values close together, without: against the route by LAPACK's
 * SVD. 1 / 0.25^2 is what the second way may lose.
 */
static void with_and_without_v(void **state)
{
    (void)state;
    static const double leasts[] = { 1.0, 0.5, 0.26, 0.24, 1e-4 };
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(60); round++) {
        const ptrdiff_t k = test_int(&rng, 2, 12), d = test_int(&rng, 2 * k, most);
        const double depth = round % 4 == 3 ? INFINITY : 1.5 + round % 4, lr = 0.1, wd = 0.2;
        static double w[most * most], g[most * most], p[most * most], want[most * most];
        make_graded(&rng, leasts[round % 5], dopt_mat_f64(w, k, d));
        test_fill(&rng, dopt_mat_f64(g, k, d));
        dopt_e2e *nested = create(k, d, depth, DOPT_E2E_NESTED), *svd = create(k, d, depth, DOPT_E2E_SVD);
        ASSERT_OK(dopt_e2e_apply(nested, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(p, k, d)));
        ASSERT_OK(dopt_e2e_apply(svd, dopt_cmat_f64(w, k, d), dopt_cmat_f64(g, k, d), dopt_mat_f64(want, k, d)));
        ASSERT_MAT_CLOSE(dopt_cmat_f64(p, k, d), dopt_cmat_f64(want, k, d), 100.0);
        const double decay = 1.0 - lr * wd * (isinf(depth) ? 1.0 : depth);
        for (ptrdiff_t i = 0; i < k * d; i++)
            want[i] = decay * w[i] - lr * want[i];
        ASSERT_OK(dopt_e2e_update(nested, dopt_mat_f64(w, k, d), dopt_cmat_f64(g, k, d), lr, wd));
        ASSERT_MAT_CLOSE(dopt_cmat_f64(w, k, d), dopt_cmat_f64(want, k, d), 100.0);
        dopt_e2e_destroy(&nested);
        dopt_e2e_destroy(&svd);
    }
}

/*
 * float32 against float64 on the same numbers. What the products round is of the size of the largest eigenvalue of P
 * times G, whatever cancels later, and 1 / 0.25^2 of that without V.
 */
static void float32_to_its_own_rounding(void **state)
{
    (void)state;
    static const double leasts[] = { 1.0, 0.3, 1e-2, 1e-5, 1e-12 };
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(100); round++) {
        const bool large = round % 5 < 3 && round % 4 == 0; /* where the level itself is float32's */
        const ptrdiff_t k = large ? test_int(&rng, 128, large_most) : test_size(&rng, most);
        const ptrdiff_t d = large ? test_int(&rng, 128, large_most) : test_size(&rng, most), n = k < d ? d : k;
        const double depth = round % 4 == 3 ? INFINITY : 1.0 + round % 3;
        const test_layout layout = test_any_layout(&rng);
        test_array w = test_array_new(k, d, DOPT_F32, layout), g = test_array_new(k, d, DOPT_F32, TEST_ROWS);
        test_array p = test_array_new(k, d, DOPT_F32, layout), wide = test_array_new(k, d, DOPT_F64, TEST_ROWS);
        test_array want = test_array_new(k, d, DOPT_F64, TEST_ROWS);
        make_graded(&rng, leasts[round % 5], w.view);
        test_fill(&rng, g.view);
        dopt_e2e *e2e = create(k, d, depth, DOPT_E2E_NESTED);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w.view), dopt_const(g.view), p.view));
        test_copy(dopt_const(w.view), wide.view);
        test_copy(dopt_const(g.view), want.view);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(wide.view), dopt_const(want.view), want.view));
        const double largest = isinf(depth) ? 1.0 : depth; /* eigenvalue of P: s_1 is 1 */
        ASSERT_CLOSE(test_distance(dopt_const(p.view), dopt_const(want.view)), 0.0,
                     4.0 * sqrt((double)n) * test_eps(DOPT_F32) * largest * test_norm(dopt_const(g.view)));
        test_array_padding(&p);
        test_array_free(&w);
        test_array_free(&g);
        test_array_free(&p);
        test_array_free(&wide);
        test_array_free(&want);
        dopt_e2e_destroy(&e2e);
    }
}

/* A rate below what float32 squares, beside a W that stays: the step has the digits that W shows of it. */
static void float32_takes_small_rates(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(30); round++) {
        const ptrdiff_t k = test_size(&rng, most), d = test_size(&rng, most), n = k < d ? d : k;
        const double scale = pow(10.0, (double)test_int(&rng, 0, 7)), rate = round % 5 ? 1e-12 : 0.0;
        test_array w = test_array_new(k, d, DOPT_F32, TEST_ROWS), g = test_array_new(k, d, DOPT_F32, TEST_ROWS);
        test_array wide = test_array_new(k, d, DOPT_F64, TEST_ROWS), grad = test_array_new(k, d, DOPT_F64, TEST_ROWS);
        make_graded(&rng, 0.3, w.view);
        test_fill(&rng, g.view);
        dopt__copy(scale, dopt_const(g.view), g.view);
        test_copy(dopt_const(w.view), wide.view);
        test_copy(dopt_const(g.view), grad.view);
        const double keep = test_norm(dopt_const(w.view)), step = 3.0 * rate * test_norm(dopt_const(g.view));
        dopt_e2e *e2e = create(k, d, 3.0, DOPT_E2E_NESTED);
        ASSERT_OK(dopt_e2e_update(e2e, w.view, dopt_const(g.view), rate, 0.0));
        ASSERT_OK(dopt_e2e_update(e2e, wide.view, dopt_const(grad.view), rate, 0.0));
        ASSERT_CLOSE(test_distance(dopt_const(w.view), dopt_const(wide.view)), 0.0,
                     4.0 * sqrt((double)n) * test_eps(DOPT_F32) * (keep + step));
        test_array_free(&w);
        test_array_free(&g);
        test_array_free(&wide);
        test_array_free(&grad);
        dopt_e2e_destroy(&e2e);
    }
}

/*
 * Along a training run (towards a target, so that the step is a gradient), the kept basis serves many steps, and
 * what it gives is within twice the tolerance of the exact value. A jump is not overlooked.
 */
static void a_kept_basis_serves_until_w_turns(void **state)
{
    (void)state;
    static const double tolerances[] = { 1e-2, 1e-3 };
    static double w[most * most], target[most * most], g[most * most], p[most * most], exact[most * most];
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < 12; round++) {
        const ptrdiff_t k = test_int(&rng, 2, most), d = round % 3 == 0 ? k : test_int(&rng, 2, most);
        const double depth = round % 4 == 3 ? INFINITY : 2.0 + round % 4, tolerance = tolerances[round % 2];
        const dopt_mat wm = dopt_mat_f64(w, k, d), gm = dopt_mat_f64(g, k, d);
        dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
        dopt_e2e *kept = NULL, *fresh = create(k, d, depth, DOPT_E2E_NESTED);
        options.refresh_tolerance = tolerance;
        ASSERT_OK(dopt_e2e_create(k, d, depth, &options, &kept));
        make_graded(&rng, 0.1, wm);
        make_graded(&rng, 0.3, dopt_mat_f64(target, k, d));
        int reused = 0;
        for (int step = 0; step < 200; step++) {
            for (ptrdiff_t i = 0; i < k * d; i++)
                g[i] = w[i] - target[i];
            ASSERT_OK(dopt_e2e_apply(kept, dopt_const(wm), dopt_const(gm), dopt_mat_f64(p, k, d)));
            ASSERT_OK(dopt_e2e_apply(fresh, dopt_const(wm), dopt_const(gm), dopt_mat_f64(exact, k, d)));
            reused += dopt_e2e_route_taken(kept) == DOPT_E2E_ROUTE_REUSED;
            const double scale = test_norm(dopt_cmat_f64(exact, k, d));
            ASSERT_CLOSE(test_distance(dopt_cmat_f64(p, k, d), dopt_cmat_f64(exact, k, d)), 0.0,
                         2.0 * tolerance * scale);
            for (ptrdiff_t i = 0; i < k * d; i++)
                w[i] -= 0.02 * tolerance * exact[i];
        }
        assert_int_equal(dopt_e2e_refreshes(fresh), 200);
        assert_int_equal(dopt_e2e_refreshes(kept), 200 - reused);
        assert_true(reused > 100);
        test_fill(&rng, wm);
        ASSERT_OK(dopt_e2e_apply(kept, dopt_const(wm), dopt_const(gm), dopt_mat_f64(p, k, d)));
        ASSERT_OK(dopt_e2e_apply(fresh, dopt_const(wm), dopt_const(gm), dopt_mat_f64(exact, k, d)));
        assert_int_equal(dopt_e2e_refreshes(kept), 201 - reused);
        for (int i = 0; i < 10; i++) { /* tests fail, then are left out for a while */
            test_fill(&rng, wm);
            ASSERT_OK(dopt_e2e_apply(kept, dopt_const(wm), dopt_const(gm), dopt_mat_f64(p, k, d)));
            ASSERT_OK(dopt_e2e_apply(fresh, dopt_const(wm), dopt_const(gm), dopt_mat_f64(exact, k, d)));
        }
        assert_int_equal(dopt_e2e_refreshes(kept), 211 - reused);
        for (int i = 0; i < 5; i++)
            ASSERT_OK(dopt_e2e_apply(kept, dopt_const(wm), dopt_const(gm), dopt_mat_f64(p, k, d)));
        assert_int_equal(dopt_e2e_route_taken(kept), DOPT_E2E_ROUTE_REUSED);
        ASSERT_MAT_CLOSE(dopt_cmat_f64(p, k, d), dopt_cmat_f64(exact, k, d), 1000.0);
        dopt_e2e_destroy(&kept);
        dopt_e2e_destroy(&fresh);
    }
}

/* One step of an exact run on ||W - T||^2 / 2; returns the relative error of the kept basis at its W. */
static double step_beside(dopt_e2e *kept, dopt_e2e *fresh, double lr, dopt_mat wm, const double *target)
{
    enum { n = 20 };
    double g[n * n], p[n * n], exact[n * n], *w = wm.data;
    const dopt_cmat gm = dopt_cmat_f64(g, n, n), em = dopt_cmat_f64(exact, n, n);
    for (int i = 0; i < n * n; i++)
        g[i] = w[i] - target[i];
    ASSERT_OK(dopt_e2e_apply(kept, dopt_const(wm), gm, dopt_mat_f64(p, n, n)));
    ASSERT_OK(dopt_e2e_apply(fresh, dopt_const(wm), gm, dopt_mat_f64(exact, n, n)));
    for (int i = 0; i < n * n; i++)
        w[i] -= lr * exact[i];
    return test_distance(dopt_cmat_f64(p, n, n), em) / test_norm(em);
}

/* At the end of a run G points along the small singular values, where P is many times as sensitive as W. */
static void a_kept_basis_learns_how_sensitive_p_is(void **state)
{
    enum { n = 20 };
    static const double depths[] = { 2.0, 3.0, 8.0, INFINITY }, tolerances[] = { 0.1, 0.03 };
    double w[n * n], target[n * n];
    const dopt_mat wm = dopt_mat_f64(w, n, n), tm = dopt_mat_f64(target, n, n);
    dopt_rng rng = test_rng_begin(__func__);
    (void)state;
    for (int round = 0; round < 8; round++) {
        const double depth = depths[round % 4], tolerance = tolerances[round / 4];
        dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
        dopt_e2e *kept = NULL, *fresh = create(n, n, depth, DOPT_E2E_NESTED);
        double worst = 0.0;
        options.refresh_tolerance = tolerance;
        ASSERT_OK(dopt_e2e_create(n, n, depth, &options, &kept));
        ASSERT_OK(dopt_rng_fill_normal(&rng, wm, 0.2));
        ASSERT_OK(dopt_rng_fill_normal(&rng, tm, 0.2));
        for (int step = 0; step < 300; step++)
            worst = fmax(worst, step_beside(kept, fresh, 0.2 / fmin(depth, 8.0), wm, target));
        assert_true(worst <= 2.0 * tolerance);
        assert_true(worst >= 0.5 * tolerance); /* it is used */
        assert_true(dopt_e2e_refreshes(kept) < 250);
        dopt_e2e_destroy(&kept);
        dopt_e2e_destroy(&fresh);
    }
}

/* A basis that was found for float32 is not good enough for float64, whatever the tolerance. */
static void a_basis_for_float32_does_not_serve_float64(void **state)
{
    (void)state;
    static double w[large_most * large_most], g[large_most * large_most], p[large_most * large_most];
    static double exact[large_most * large_most];
    static float w32[large_most * large_most], p32[large_most * large_most];
    const ptrdiff_t k = large_most;
    dopt_rng rng = test_rng_begin(__func__);
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    dopt_e2e *kept = NULL, *fresh = create(k, k, 3.0, DOPT_E2E_NESTED);
    options.refresh_tolerance = 0.5;
    ASSERT_OK(dopt_e2e_create(k, k, 3.0, &options, &kept));
    make_graded(&rng, 0.3, dopt_mat_f32(w32, k, k));
    test_copy(dopt_cmat_f32(w32, k, k), dopt_mat_f64(w, k, k));
    test_fill(&rng, dopt_mat_f64(g, k, k));
    ASSERT_OK(dopt_e2e_apply(kept, dopt_cmat_f32(w32, k, k), dopt_cmat_f32(w32, k, k), dopt_mat_f32(p32, k, k)));
    ASSERT_OK(dopt_e2e_apply(kept, dopt_cmat_f64(w, k, k), dopt_cmat_f64(g, k, k), dopt_mat_f64(p, k, k)));
    ASSERT_OK(dopt_e2e_apply(fresh, dopt_cmat_f64(w, k, k), dopt_cmat_f64(g, k, k), dopt_mat_f64(exact, k, k)));
    assert_int_equal(dopt_e2e_refreshes(kept), 2);
    ASSERT_MAT_CLOSE(dopt_cmat_f64(p, k, k), dopt_cmat_f64(exact, k, k), 30.0);
    ASSERT_OK(dopt_e2e_apply(kept, dopt_cmat_f32(w32, k, k), dopt_cmat_f32(w32, k, k), dopt_mat_f32(p32, k, k)));
    assert_int_equal(dopt_e2e_refreshes(kept), 2);
    dopt_e2e_destroy(&kept);
    dopt_e2e_destroy(&fresh);
}

/* 3 k d + 4 k^2 elements, k the smaller side, and what is of order k + d or less; and all is counted. */
static void memory_is_bounded(void **state)
{
    (void)state;
    for (ptrdiff_t k = 1; k <= 700; k += 1 + k / 3)
        for (ptrdiff_t d = k; d <= 5000; d += 1 + d / 2)
            for (int way = 0; way < 4; way++) {
                test_memory memory = { .left = -1 };
                dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
                dopt_e2e *e2e = NULL;
                options.refresh_tolerance = way < 2 ? 0.0 : 0.1;
                options.allocator = test_allocator(&memory);
                ASSERT_OK(dopt_e2e_create(way % 2 ? d : k, way % 2 ? k : d, 2.0, &options, &e2e));
                const size_t elements = (size_t)(3 * k * d + 4 * k * k), small = (size_t)(50 * k) + 200;
                const size_t bytes = dopt_e2e_workspace_bytes(e2e);
                assert_true(bytes <= (elements + small) * sizeof(double));
                assert_true(bytes <= memory.bytes && memory.bytes - bytes < 80 * (size_t)memory.calls); /* to align */
                dopt_e2e_destroy(&e2e);
            }
}

static void zero_is_a_fixed_point(void **state)
{
    (void)state;
    double w[6] = { 0 }, g[6] = { 1, 2, 3, 4, 5, 6 }, out[6];
    for (int k = 1; k <= 3; k++) {
        if (6 % k)
            continue;
        dopt_e2e *e2e = create(k, 6 / k, 2.0, DOPT_E2E_NESTED);
        ASSERT_OK(
            dopt_e2e_apply(e2e, dopt_cmat_f64(w, k, 6 / k), dopt_cmat_f64(g, k, 6 / k), dopt_mat_f64(out, k, 6 / k)));
        for (int i = 0; i < 6; i++)
            assert_true(out[i] == 0.0);
        dopt_e2e_destroy(&e2e);
    }
}

static void bad_arguments_leave_the_output_alone(void **state)
{
    (void)state;
    double w[4] = { 1, 2, 3, 4 }, g[4] = { 1, 1, 1, 1 }, out[4] = { 7, 7, 7, 7 };
    const dopt_mat o = dopt_mat_f64(out, 2, 2);
    const dopt_cmat wc = dopt_cmat_f64(w, 2, 2), gc = dopt_cmat_f64(g, 2, 2);
    dopt_e2e *e2e = NULL;
    ASSERT_FAILS(dopt_e2e_create(2, 2, 2.0, NULL, NULL), DOPT_ERR_INVALID, "dopt_e2e_create: out is NULL");
    ASSERT_FAILS(dopt_e2e_create(0, 2, 2.0, NULL, &e2e), DOPT_ERR_INVALID, "rows is 0");
    ASSERT_FAILS(dopt_e2e_create(2, -1, 2.0, NULL, &e2e), DOPT_ERR_INVALID, "cols is -1");
    ASSERT_FAILS(dopt_e2e_create(2, 2, 0.5, NULL, &e2e), DOPT_ERR_INVALID, "depth is 0.5");
    ASSERT_FAILS(dopt_e2e_create(2, 2, NAN, NULL, &e2e), DOPT_ERR_INVALID, "depth is");
    ASSERT_FAILS(dopt_e2e_create(40000, 40000, 2.0, NULL, &e2e), DOPT_ERR_INVALID, "32766");
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.method = (dopt_e2e_method)9;
    ASSERT_FAILS(dopt_e2e_create(2, 2, 2.0, &options, &e2e), DOPT_ERR_INVALID, "method is 9");
    options.method = DOPT_E2E_NESTED;
    options.refresh_tolerance = -0.5;
    ASSERT_FAILS(dopt_e2e_create(2, 2, 2.0, &options, &e2e), DOPT_ERR_INVALID, "refresh_tolerance is -0.5");
    options.refresh_tolerance = NAN;
    ASSERT_FAILS(dopt_e2e_create(2, 2, 2.0, &options, &e2e), DOPT_ERR_INVALID, "refresh_tolerance is");
    options.refresh_tolerance = 0.0;
    options.struct_size = 4;
    ASSERT_FAILS(dopt_e2e_create(2, 2, 2.0, &options, &e2e), DOPT_ERR_INVALID, "struct_size");
    assert_null(e2e);
    ASSERT_OK(dopt_e2e_create(2, 2, 2.0, NULL, &e2e));
    assert_int_equal(dopt_e2e_route_taken(e2e), DOPT_E2E_ROUTE_NONE);
    ASSERT_FAILS(dopt_e2e_apply(NULL, wc, gc, o), DOPT_ERR_INVALID, "e2e is NULL");
    ASSERT_FAILS(dopt_e2e_apply(e2e, dopt_cmat_f64(w, 1, 4), gc, o), DOPT_ERR_SHAPE, "w is 1 x 4, must be 2 x 2");
    ASSERT_FAILS(dopt_e2e_apply(e2e, wc, dopt_cmat_f64(NULL, 2, 2), o), DOPT_ERR_INVALID, "grad.data is NULL");
    ASSERT_FAILS(dopt_e2e_apply(e2e, wc, gc, dopt_mat_f32((float *)(void *)out, 2, 2)), DOPT_ERR_DTYPE,
                 "out is float32");
    ASSERT_FAILS(dopt_e2e_update(e2e, o, gc, -1.0, 0.0), DOPT_ERR_INVALID, "lr is -1");
    ASSERT_FAILS(dopt_e2e_update(e2e, o, gc, 0.1, NAN), DOPT_ERR_INVALID, "weight_decay is");
    for (int i = 0; i < 3; i++) {
        w[3] = test_nonfinite[i];
        ASSERT_FAILS(dopt_e2e_apply(e2e, wc, gc, o), DOPT_ERR_NONFINITE, "w[1, 1] is");
        ASSERT_FAILS(dopt_e2e_apply(e2e, gc, wc, o), DOPT_ERR_NONFINITE, "grad[1, 1] is");
        ASSERT_FAILS(dopt_e2e_spectrum(e2e, wc, out, out), DOPT_ERR_NONFINITE, "w[1, 1] is");
    }
    w[3] = 4.0;
    for (int i = 0; i < 4; i++) {
        w[i] = 1e200;
        g[i] = 1e200;
    }
    ASSERT_FAILS(dopt_e2e_apply(e2e, wc, gc, o), DOPT_ERR_NUMERICAL, "overflows");
    ASSERT_FAILS(dopt_e2e_update(e2e, o, gc, 1e200, 0.0), DOPT_ERR_NUMERICAL, "overflows");
    for (int i = 0; i < 4; i++)
        assert_true(out[i] == 7.0);
    dopt_e2e_destroy(&e2e);
    dopt_e2e_destroy(&e2e);
    dopt_e2e_destroy(NULL);
}

static void survives_every_failed_allocation_and_steps_without(void **state)
{
    (void)state;
    double w[15], g[15];
    dopt_rng rng = test_rng_begin(__func__);
    for (int left = 0;; left++) {
        test_memory memory = { .left = left };
        dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
        options.allocator = test_allocator(&memory);
        options.refresh_tolerance = 0.1;
        dopt_e2e *e2e = NULL;
        const dopt_status status = dopt_e2e_create(3, 5, 2.0, &options, &e2e);
        if (status == DOPT_OK) {
            const long calls = memory.calls;
            test_fill(&rng, dopt_mat_f64(w, 3, 5));
            test_fill(&rng, dopt_mat_f64(g, 3, 5));
            ASSERT_OK(dopt_e2e_update(e2e, dopt_mat_f64(w, 3, 5), dopt_cmat_f64(g, 3, 5), 0.1, 0.0));
            ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, 3, 5), dopt_cmat_f64(g, 3, 5), dopt_mat_f64(g, 3, 5)));
            assert_int_equal(memory.calls, calls);
            assert_true(dopt_e2e_workspace_bytes(e2e) <= memory.bytes);
            dopt_e2e_destroy(&e2e);
            assert_int_equal(memory.live, 0);
            assert_true(left > 2);
            return;
        }
        assert_int_equal(status, DOPT_ERR_NOMEM);
        assert_null(e2e);
        assert_int_equal(memory.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depth_two_is_the_printed_formula),
        cmocka_unit_test(diagonal_has_a_closed_form),
        cmocka_unit_test(transposes_scales_and_is_symmetric),
        cmocka_unit_test(update_is_apply),
        cmocka_unit_test(with_and_without_v),
        cmocka_unit_test(float32_to_its_own_rounding),
        cmocka_unit_test(float32_takes_small_rates),
        cmocka_unit_test(a_kept_basis_serves_until_w_turns),
        cmocka_unit_test(a_kept_basis_learns_how_sensitive_p_is),
        cmocka_unit_test(a_basis_for_float32_does_not_serve_float64),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(zero_is_a_fixed_point),
        cmocka_unit_test(bad_arguments_leave_the_output_alone),
        cmocka_unit_test(survives_every_failed_allocation_and_steps_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
