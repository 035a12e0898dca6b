/* SPDX-License-Identifier: MIT */
/*
 * Claims 1 and 2: the matrix of P_W is symmetric positive semidefinite with the eigenvalues K_rc and the eigenvectors
 * u_r v_c^T, and with one output a step splits into an adaptive learning rate and a pull along w.
 *
 * P_W is the explicit sum of Kronecker products for a square, well-conditioned W, where both Gram matrices are
 * harmless.
 */
#include <math.h>

#include "support/support.h"

enum { k = 4, n = k * k };

/* P = sum_j [W^T W]^{(N-j)/N} (x) [W W^T]^{(j-1)/N}, vec column after column. */
static void kronecker(const double *w, int depth, double *p)
{
    double left[n], right[n], a[n], b[n];
    const dopt_cmat m = dopt_cmat_f64(w, k, k);
    test_multiply(m, dopt_ctransposed(m), dopt_mat_f64(left, k, k));
    test_multiply(dopt_ctransposed(m), m, dopt_mat_f64(right, k, k));
    for (int i = 0; i < n * n; i++)
        p[i] = 0.0;
    for (int j = 1; j <= depth; j++) {
        ASSERT_OK(dopt_sym_power(dopt_cmat_f64(left, k, k), (double)(j - 1) / depth, dopt_mat_f64(a, k, k)));
        ASSERT_OK(dopt_sym_power(dopt_cmat_f64(right, k, k), (double)(depth - j) / depth, dopt_mat_f64(b, k, k)));
        for (int x = 0; x < n; x++)
            for (int y = 0; y < n; y++)
                p[x * n + y] += b[x / k * k + y / k] * a[x % k * k + y % k];
    }
}

/* A rotation of k axes by Gram and Schmidt on random columns. */
static void rotation(dopt_rng *rng, double *q)
{
    test_fill(rng, dopt_mat_f64(q, k, k));
    for (int round = 0; round < 2; round++)
        for (int c = 0; c < k; c++) {
            double norm = 0.0;
            for (int b = 0; b < c; b++) {
                double dot = 0.0;
                for (int r = 0; r < k; r++)
                    dot += q[r * k + b] * q[r * k + c];
                for (int r = 0; r < k; r++)
                    q[r * k + c] -= dot * q[r * k + b];
            }
            for (int r = 0; r < k; r++)
                norm += q[r * k + c] * q[r * k + c];
            for (int r = 0; r < k; r++)
                q[r * k + c] /= sqrt(norm);
        }
}

static void claim_1(void **state)
{
    (void)state;
    static const double sigma[k] = { 2.0, 1.3, 0.7, 0.4 };
    dopt_rng rng = test_rng_begin(__func__);
    for (int depth = 1; depth <= 6; depth++) {
        double u[n], v[n], w[n] = { 0 }, p[n * n], eigenvalues[n];
        dopt_e2e *e2e = NULL;
        rotation(&rng, u);
        rotation(&rng, v);
        for (int i = 0; i < n; i++)
            for (int l = 0; l < k; l++)
                w[i] += u[i / k * k + l] * sigma[l] * v[i % k * k + l];
        kronecker(w, depth, p);
        ASSERT_OK(dopt_e2e_create(k, k, depth, NULL, &e2e));
        ASSERT_OK(dopt_e2e_spectrum(e2e, dopt_cmat_f64(w, k, k), NULL, eigenvalues));
        for (int r = 0; r < k; r++)
            for (int c = 0; c < k; c++) {
                double want = 0.0;
                for (int j = 1; j <= depth; j++)
                    want += pow(sigma[r], 2.0 * (depth - j) / depth) * pow(sigma[c], 2.0 * (j - 1) / depth);
                ASSERT_CLOSE(eigenvalues[r * k + c], want, 1e-13 * want);
                for (int x = 0; x < n; x++) { /* P vec(u_r v_c^T) = K_rc vec(u_r v_c^T) */
                    double sum = 0.0;
                    for (int y = 0; y < n; y++)
                        sum += p[x * n + y] * u[y % k * k + r] * v[y / k * k + c];
                    ASSERT_CLOSE(sum, want * u[x % k * k + r] * v[x / k * k + c], 1e-12 * eigenvalues[0]);
                }
            }
        dopt_e2e_destroy(&e2e);
    }
}

/* ||w||^{2-2/N} (g + (N-1) Pr_w g), and its two parts. */
static void claim_2(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (double depth = 1.0; depth <= 4.0; depth += 0.5) {
        double w[7], g[7], momentum[7], p[7], rate, ww = 0.0, wg = 0.0;
        dopt_e2e *e2e = NULL;
        test_fill(&rng, dopt_mat_f64(w, 1, 7));
        test_fill(&rng, dopt_mat_f64(g, 1, 7));
        for (int i = 0; i < 7; i++) {
            ww += w[i] * w[i];
            wg += w[i] * g[i];
        }
        ASSERT_OK(dopt_analysis_split(depth, dopt_cmat_f64(w, 1, 7), dopt_cmat_f64(g, 1, 7), &rate,
                                      dopt_mat_f64(momentum, 1, 7)));
        ASSERT_OK(dopt_e2e_create(1, 7, depth, NULL, &e2e));
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_cmat_f64(w, 1, 7), dopt_cmat_f64(g, 1, 7), dopt_mat_f64(p, 1, 7)));
        const double want = pow(ww, 1.0 - 1.0 / depth);
        ASSERT_CLOSE(rate, want, 1e-14 * want);
        for (int i = 0; i < 7; i++) {
            ASSERT_CLOSE(momentum[i], (depth - 1.0) * want * (wg / ww) * w[i], 1e-13 * want);
            ASSERT_CLOSE(p[i], rate * g[i] + momentum[i], 1e-13 * want);
        }
        dopt_e2e_destroy(&e2e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(claim_1), cmocka_unit_test(claim_2) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
