/* SPDX-License-Identifier: MIT */
/* K against the sum of Claim 1 in long double, and its limits. */
#include <math.h>

#include "e2e/kernel.h"
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
            s[i] = i < first || i >= first + rank ? 0.0 : dopt_rng_uniform(&rng);
            null[i] = round % 2 ? dopt__kernel_null(s[i], depth) : 0.0;
        }
        for (ptrdiff_t i = 0; i < k * rank; i++)
            m[i] = 1.0;
        dopt__kernel_apply(k, first, rank, s, null, depth, m, table);
        for (ptrdiff_t r = 0; r < k; r++)
            for (ptrdiff_t c = 0; c < rank; c++) {
                const double want = dopt__kernel(s[r], s[first + c], depth);
                ASSERT_CLOSE(m[r * rank + c], want - null[r], 100.0 * test_eps(DOPT_F64) * want);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_sum),
        cmocka_unit_test(limits),
        cmocka_unit_test(apply_equals_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
