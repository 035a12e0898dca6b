/* SPDX-License-Identifier: MIT */
/* K against the sum of Claim 1 in long double, and its limits. */
#include <math.h>

#include "e2e/kernel.h"
#include "e2e/kernel_tiles.h"
#include "support/support.h"

/* sum_j a^{2(j-1)/N} b^{2(N-j)/N}, powers of 0 included. */
static long double by_sum(long double a, long double b, int depth)
{
    long double sum = 0.0L;
    for (int j = 1; j <= depth; j++)
        sum += powl(a, 2.0L * (j - 1) / depth) * powl(b, 2.0L * (depth - j) / depth);
    return sum;
}

static void assert_near(double got, long double want, double ulps)
{
    ASSERT_CLOSE(got, (double)want, ulps * test_eps(DOPT_F64) * fabs((double)want));
}

static void equals_the_sum(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(2000); round++) {
        const int depth = (int)test_int(&rng, 1, 40);
        const double a = exp(8.0 * dopt_rng_normal(&rng));
        const double close = a * (1.0 + ldexp(dopt_rng_normal(&rng), -(int)test_int(&rng, 0, 52)));
        const double b = round % 7 == 0   ? 0.0
                         : round % 3 == 0 ? a
                         : round % 2      ? close
                                          : exp(8.0 * dopt_rng_normal(&rng));
        assert_near(dopt__kernel(a, fabs(b), depth), by_sum(a, fabs(b), depth), 40.0);
    }
}

static void limits(void **state)
{
    (void)state;
    assert_near(dopt__kernel(3.0, 3.0, INFINITY), 9.0L, 2.0);
    assert_near(dopt__kernel(3.0, 2.0, INFINITY), 5.0L / (2.0L * logl(1.5L)), 4.0);
    assert_true(dopt__kernel(3.0, 0.0, INFINITY) == 0.0);
    assert_near(dopt__kernel(3.0, 2.0, 1e9) / 1e9, 5.0L / (2.0L * logl(1.5L)), 1e8); /* O(1/N) from the limit */
    assert_near(dopt__kernel(1.0, 1.0 - 2.0 * test_eps(DOPT_F64), 1e308) / 1e308, 1.0L, 4.0);
    assert_true(dopt__kernel(0.0, 0.0, 1.0) == 1.0);
    assert_true(dopt__kernel(0.0, 0.0, 2.0) == 0.0);
    assert_near(dopt__kernel(1e60, 1e60, 3.0), 3.0L * powl(1e60L, 4.0L / 3.0L), 4.0);
}

/* The table of a matrix against K one by one: integer depths by the sum, others by logarithms. */
static void apply_equals_one_by_one(void **state)
{
    (void)state;
    static const double depths[] = { 2.0, 3.0, 8.0, 16.0, 17.0, 2.5, 1.0625, INFINITY };
    dopt_rng rng = test_rng_begin(__func__);
    enum { most = 37 };
    for (int round = 0; round < test_rounds(200); round++) {
        const ptrdiff_t k = test_size(&rng, most), first = test_int(&rng, 0, k - 1);
        const ptrdiff_t rank = test_int(&rng, 1, k - first);
        const double depth = depths[round % 8];
        double s[most], null[most], m[most * most], table[2 * most];
        for (ptrdiff_t i = 0; i < k; i++) {
            s[i] = i < first || i >= first + rank ? 0.0
                                                  : pow(dopt_rng_uniform(&rng), i % 3 ? 1.0 : 40.0); /* down to 1e-50 */
            null[i] = round % 2 ? dopt__kernel_null(s[i], depth) : 0.0;
        }
        for (ptrdiff_t i = 0; i < k * rank; i++)
            m[i] = 1.0;
        dopt__kernel_apply(k, first, rank, s, null, depth, m, table);
        for (ptrdiff_t r = 0; r < k; r++)
            for (ptrdiff_t c = 0; c < rank; c++) {
                const double want = dopt__kernel(s[r], s[first + c], depth);
                const double rounding =
                    test_eps(DOPT_F64) * (1.0 - log(fmax(s[r], s[first + c]))); /* of the logarithms */
                ASSERT_CLOSE(m[r * rank + c], want - null[r], 20.0 * rounding * want);
            }
    }
}

/* All instruction sets that this machine has give the same bits, for whole tiles and parts of them. */
static void instruction_sets_agree(void **state)
{
    (void)state;
    static double s[100], logs[100], scale[100], null[100], m[2][100 * 101];
    dopt_rng rng = test_rng_begin(__func__);
    for (int isa = DOPT__AVX2; isa <= (int)dopt__cpu_isa(); isa++)
        for (ptrdiff_t n = 1; n <= 100; n += 1 + n / 8)
            for (int way = 0; way < 4; way++) {
                for (ptrdiff_t i = 0; i < n; i++) {
                    s[i] = pow(dopt_rng_uniform(&rng), 1.0 + 10.0 * (double)(i % 3));
                    logs[i] = log(s[i]);
                    scale[i] = dopt__kernel_scale(s[i], way == 2 ? 2.5 : INFINITY);
                    null[i] = 0.1 * s[i];
                }
                for (ptrdiff_t i = 0; i < n * (n + 1); i++)
                    m[0][i] = m[1][i] = dopt_rng_normal(&rng);
                for (int which = 0; which < 2; which++) {
                    const dopt__kernel_tiles *tiles =
                        DOPT__BY_ISA(dopt__kernel_tiles, which ? (dopt__isa)isa : DOPT__PLAIN);
                    if (way < 2)
                        tiles->by_sum(n, way ? 8 : 3, s, null, m[which], n + 1);
                    else
                        tiles->by_logs(n, way == 2 ? 2.5 : INFINITY, logs, scale, null, m[which], n + 1);
                }
                ASSERT_MAT_SAME(dopt_cmat_f64(m[0], n, n + 1), dopt_cmat_f64(m[1], n, n + 1));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_sum),
        cmocka_unit_test(limits),
        cmocka_unit_test(apply_equals_one_by_one),
        cmocka_unit_test(instruction_sets_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
