/* SPDX-License-Identifier: MIT */
/*
 * Symmetric eigendecompositions: A = E^T diag(lambda) E with orthonormal rows of E and ascending values, to a small
 * multiple of n eps ||A||, by QL, by divide and conquer, and by MRRR.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "linalg/eigh.h"
#include "linalg/lapack.h"
#include "linalg/ql.h"
#include "support/support.h"

enum { most = 150 };

/* A symmetric matrix, all of it. */
static void make(dopt_rng *rng, int kind, ptrdiff_t n, double *a)
{
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j <= i; j++) {
            const double normal = dopt_rng_normal(rng);
            double x = 0.0;
            switch (kind) {
            case 0: x = normal; break;
            case 1: x = normal * pow(10.0, -8.0 * (double)(i + j) / (double)n); break; /* graded */
            case 2: x = i == j ? 1.0 : 1e-17 * normal; break;                          /* one value, n times */
            case 3: x = i == j ? normal : 0.0; break;                                  /* diagonal */
            case 4: x = 1.0; break;                                                    /* rank one */
            default: break;                                                            /* zero */
            }
            a[i * n + j] = a[j * n + i] = x;
        }
}

enum { kinds = 6 };

static void check(ptrdiff_t n, const double *a, const double *values, const double *vectors, double tolerance)
{
    static double product[most * most], scaled[most * most];
    const dopt_cmat e = dopt_cmat_f64(vectors, n, n);
    const double norm = test_norm(dopt_cmat_f64(a, n, n)), unit = tolerance * (double)n * test_eps(DOPT_F64);
    for (ptrdiff_t i = 1; i < n; i++)
        assert_true(values[i - 1] <= values[i]);
    test_multiply(e, dopt_ctransposed(e), dopt_mat_f64(product, n, n));
    for (ptrdiff_t i = 0; i < n; i++)
        product[i * n + i] -= 1.0;
    assert_true(test_norm(dopt_cmat_f64(product, n, n)) <= unit);
    for (ptrdiff_t i = 0; i < n; i++)
        for (ptrdiff_t j = 0; j < n; j++)
            scaled[i * n + j] = values[i] * vectors[i * n + j];
    test_multiply(dopt_ctransposed(e), dopt_cmat_f64(scaled, n, n), dopt_mat_f64(product, n, n));
    assert_true(test_distance(dopt_cmat_f64(product, n, n), dopt_cmat_f64(a, n, n)) <= unit * norm);
}

/* Orders around the one from which divide and conquer takes over, and around the sizes of its blocks. */
static void decompose_all(unsigned allowed, dopt__eigh_driver expected, double tolerance)
{
    static const ptrdiff_t orders[] = { 1, 2, 3, 5, 16, 41, 64, 65, 95, 96, 97, 100, 129, 150 };
    static double a[most * most], upper[most * most], values[most], vectors[most * most];
    dopt_rng rng = test_rng_begin(__func__);
    double *work = malloc(dopt__eigen_doubles(most) * sizeof *work);
    int *iwork = malloc(dopt__eigen_ints(most) * sizeof *iwork);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        for (int kind = 0; kind < kinds; kind++) {
            const ptrdiff_t n = orders[i];
            make(&rng, kind, n, a);
            for (ptrdiff_t r = 0; r < n; r++) /* the lower triangle is not read */
                for (ptrdiff_t c = 0; c < n; c++)
                    upper[r * n + c] = c >= r ? a[r * n + c] : NAN;
            assert_int_equal(dopt__eigh(n, upper, values, vectors, work, iwork, allowed), expected);
            check(n, a, values, vectors, tolerance);
        }
    free(work);
    free(iwork);
}

static void the_usual_way(void **state)
{
    (void)state;
    decompose_all(DOPT__EIGH_DIVIDE | DOPT__EIGH_MRRR, DOPT__EIGH_DIVIDE, 10.0);
}

/* MRRR finds each vector by itself, and so is orthogonal to a larger multiple of n eps. */
static void by_mrrr(void **state)
{
    (void)state;
    decompose_all(DOPT__EIGH_MRRR, DOPT__EIGH_MRRR, 100.0);
}

/* QL gives the same bits with all instruction sets that this machine has. */
static void ql_in_all_instruction_sets(void **state)
{
    (void)state;
    static double a[most * most], values[2][most], vectors[2][most * most], work[most * (most + 3)];
    dopt_rng rng = test_rng_begin(__func__);
    for (int isa = DOPT__AVX2; isa <= (int)dopt__cpu_isa(); isa++)
        for (ptrdiff_t n = 1; n <= 100; n += 1 + n / 6) {
            make(&rng, (int)n % 2, n, a);
            for (int i = 0; i < 2; i++)
                assert_true(DOPT__BY_ISA(dopt__ql_solver, i ? (dopt__isa)isa : DOPT__PLAIN)
                                ->solve(n, a, values[i], vectors[i], work));
            ASSERT_MAT_SAME(dopt_cmat_f64(values[0], 1, n), dopt_cmat_f64(values[1], 1, n));
            ASSERT_MAT_SAME(dopt_cmat_f64(vectors[0], n, n), dopt_cmat_f64(vectors[1], n, n));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_usual_way), cmocka_unit_test(by_mrrr),
                                        cmocka_unit_test(ql_in_all_instruction_sets) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
