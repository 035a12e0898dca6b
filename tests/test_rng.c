/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "support/support.h"

/* The known answers that come with Random123. */
static void philox_known_answers(void **state)
{
    (void)state;
    static const uint32_t cases[3][10] = {
        { 0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 },
        { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
          0x6d5451fd },
        { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
          0x24126ea1 },
    };
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        dopt_philox4x32(cases[i], cases[i] + 4, out);
        assert_memory_equal(out, cases[i] + 6, sizeof out);
    }
}

static void moments(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    const int n = 200000;
    double sum = 0.0, squares = 0.0, fourth = 0.0, uniform = 0.0;
    for (int i = 0; i < n; i++) {
        const double x = dopt_rng_normal(&rng), u = dopt_rng_uniform(&rng);
        assert_true(u >= 0.0 && u < 1.0);
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
        uniform += u;
    }
    ASSERT_CLOSE(sum / n, 0.0, 5.0 / sqrt(n)); /* five standard errors */
    ASSERT_CLOSE(squares / n, 1.0, 5.0 * sqrt(2.0 / n));
    ASSERT_CLOSE(fourth / n, 3.0, 5.0 * sqrt(96.0 / n));
    ASSERT_CLOSE(uniform / n, 0.5, 5.0 / sqrt(12.0 * n));
}

static void permutation_hits_each_once(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { 1, 2, 3, 4, 5, 17, 64, 1000, 4097 };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        unsigned char seen[4097] = { 0 };
        int moved = 0;
        for (uint64_t i = 0; i < sizes[s]; i++) {
            const uint64_t to = dopt_rng_permute(7, 3, sizes[s], i);
            assert_true(to < sizes[s] && !seen[to]);
            seen[to] = 1;
            moved += to != dopt_rng_permute(7, 4, sizes[s], i);
        }
        assert_true(sizes[s] < 16 || moved > (int)(sizes[s] / 2));
    }
}

static void positions_are_values(void **state)
{
    (void)state;
    dopt_rng a = dopt_rng_init(1, 2), b;
    uint64_t counts[7] = { 0 };
    for (int i = 0; i < 5; i++)
        (void)dopt_rng_uint64(&a);
    b = a;
    for (int i = 0; i < 100; i++)
        assert_true(dopt_rng_uint64(&a) == dopt_rng_uint64(&b));
    dopt_rng other = dopt_rng_init(1, 3);
    assert_true(dopt_rng_uint64(&other) != dopt_rng_uint64(&a));
    for (int i = 0; i < 70000; i++)
        counts[dopt_rng_below(&a, 7)]++;
    for (int i = 0; i < 7; i++)
        ASSERT_CLOSE((double)counts[i], 10000.0, 5.0 * sqrt(10000.0 * 6.0 / 7.0));
    assert_true(dopt_rng_below(&a, 0) == 0 && dopt_rng_below(&a, 1) == 0);
}

static void fill_is_in_row_order(void **state)
{
    (void)state;
    test_array first = test_array_new(3, 5, DOPT_F64, TEST_ROWS);
    for (int layout = 0; layout < TEST_LAYOUTS; layout++) {
        dopt_rng rng = dopt_rng_init(9, 9);
        test_array a = test_array_new(3, 5, DOPT_F64, (test_layout)layout);
        ASSERT_OK(dopt_rng_fill_normal(&rng, a.view, 2.0));
        if (layout == 0)
            test_copy(dopt_const(a.view), first.view);
        ASSERT_MAT_SAME(dopt_const(a.view), dopt_const(first.view));
        test_array_padding(&a);
        test_array_free(&a);
    }
    dopt_rng rng = dopt_rng_init(9, 9);
    ASSERT_FAILS(dopt_rng_fill_normal(&rng, first.view, -1.0), DOPT_ERR_INVALID, "stddev is -1");
    ASSERT_FAILS(dopt_rng_fill_normal(NULL, first.view, 1.0), DOPT_ERR_INVALID, "rng is NULL");
    test_array_free(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),       cmocka_unit_test(moments),
        cmocka_unit_test(permutation_hits_each_once), cmocka_unit_test(positions_are_values),
        cmocka_unit_test(fill_is_in_row_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
