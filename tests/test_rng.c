/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/permutation.h"
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

/* The list is the function, for every range, in every instruction set; large n work too. */
static void lists_are_the_permutation(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < test_rounds(300); round++) {
        const ptrdiff_t n = round % 10 == 0 ? 2147483647 - test_int(&rng, 0, 3) : test_size(&rng, 5000);
        const ptrdiff_t first = test_int(&rng, 0, n - 1), most = n - first < 200 ? n - first : 200;
        const ptrdiff_t count = test_int(&rng, 0, most);
        ptrdiff_t list[201];
        list[count] = -7;
        ASSERT_OK(dopt_rng_permute_rows(11, (uint64_t)round, n, first, count, list));
        assert_true(list[count] == -7);
        for (ptrdiff_t i = 0; i < count; i++)
            assert_true(list[i] ==
                        (ptrdiff_t)dopt_rng_permute(11, (uint64_t)round, (uint64_t)n, (uint64_t)(first + i)));
        const dopt__permutation p = dopt__permutation_of(11, (uint64_t)round, (uint64_t)n);
        for (int isa = DOPT__PLAIN; isa <= (int)dopt__cpu_isa(); isa++) {
            ptrdiff_t other[200];
            DOPT__BY_ISA(dopt__permuter, isa)->fill(&p, first, count, other);
            assert_memory_equal(list, other, (size_t)count * sizeof *list);
        }
    }
    static const uint64_t large[] = { (uint64_t)1 << 33, UINT64_MAX, UINT64_MAX / 3, 18446744065119617025u };
    for (int i = 0; i < 4; i++)
        for (uint64_t at = 0; at < 100; at++)
            assert_true(dopt_rng_permute(1, at, large[i], large[i] - 1 - at) < large[i]);
    ptrdiff_t one = 5;
    assert_int_equal(dopt_rng_permute(1, 1, 0, 0), 0);
    assert_int_equal(dopt_rng_permute(1, 1, 10, 10), 10);
    ASSERT_FAILS(dopt_rng_permute_rows(1, 1, 10, 8, 3, &one), DOPT_ERR_INVALID, "first and count are 8 and 3");
    ASSERT_FAILS(dopt_rng_permute_rows(1, 1, 0, 0, 0, &one), DOPT_ERR_INVALID, "n is 0");
    assert_true(one == 5);
}

/* Over many rounds, each number comes to each place, and each pair to each pair of places, equally often. */
static void permutations_are_even(void **state)
{
    (void)state;
    enum { n = 6, rounds = 60000 };
    static double places[n][n], pairs[n][n][n][n];
    for (int round = 0; round < rounds; round++) {
        ptrdiff_t to[n];
        ASSERT_OK(dopt_rng_permute_rows(3, (uint64_t)round, n, 0, n, to));
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                places[i][to[i]] += j == 0;
                pairs[i][j][to[i]][to[j]] += 1.0;
            }
    }
    double square = 0.0, pair_square = 0.0;
    const double expected = rounds / (double)n, pair_expected = rounds / (double)(n * (n - 1));
    for (int i = 0; i < n; i++)
        for (int a = 0; a < n; a++) {
            square += pow(places[i][a] - expected, 2.0) / expected;
            for (int j = 0; j < i; j++)
                for (int b = 0; b < n && a < n; b++)
                    pair_square += a == b ? 0.0 : pow(pairs[i][j][a][b] - pair_expected, 2.0) / pair_expected;
        }
    /* Mean, and five standard deviations, of sums of squares with (n - 1)^2 and n (n - 1)^2 (n - 2) / 2 or more
       degrees of freedom. */
    ASSERT_CLOSE(square, 25.0, 5.0 * sqrt(2.0 * 25.0));
    ASSERT_CLOSE(pair_square, 435.0, 5.0 * sqrt(2.0 * 435.0) + 100.0);
}

/* Rows that follow each other are torn apart: their distance is that of independent numbers. */
static void neighbours_part(void **state)
{
    (void)state;
    enum { n = 20000 };
    static ptrdiff_t to[n];
    for (uint64_t round = 0; round < 10; round++) {
        double distance = 0.0, apart = 0.0;
        ASSERT_OK(dopt_rng_permute_rows(9, round, n, 0, n, to));
        for (int i = 0; i + 1 < n; i++)
            distance += fabs((double)(to[i + 1] - to[i])) / n;
        for (int i = 0; i + 150 < n; i++)
            apart += fabs((double)(to[i + 150] - to[i])) / n;
        ASSERT_CLOSE(distance / n, 1.0 / 3.0, 5.0 / sqrt(18.0 * n));
        ASSERT_CLOSE(apart / n, 1.0 / 3.0, 5.0 / sqrt(18.0 * n) + 150.0 / n);
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
        dopt_rng one_by_one = dopt_rng_init(9, 9);
        for (ptrdiff_t i = 0; i < 15; i++)
            assert_true(test_get(dopt_const(a.view), i / 5, i % 5) == 2.0 * dopt_rng_normal(&one_by_one));
        ASSERT_MAT_SAME(dopt_const(a.view), dopt_const(first.view));
        test_array_padding(&a);
        test_array_free(&a);
    }
    dopt_rng rng = dopt_rng_init(9, 9);
    ASSERT_FAILS(dopt_rng_fill_normal(&rng, first.view, -1.0), DOPT_ERR_INVALID, "stddev is -1");
    ASSERT_FAILS(dopt_rng_fill_normal(NULL, first.view, 1.0), DOPT_ERR_INVALID, "rng is NULL");
    test_array_free(&first);
}

/* Each bit of seed, stream, round and n counts, and each number depends on the bits as permutation.h says. */
static void every_bit_of_the_key_counts(void **state)
{
    (void)state;
    enum { n = 1000 };
    const dopt_rng plain = dopt_rng_init(5, 6);
    ptrdiff_t rows[n], other[n];
    ASSERT_OK(dopt_rng_permute_rows(5, 6, n, 0, n, rows));
    for (int bit = 0; bit < 64; bit++) {
        const uint64_t changed = 1ull << bit;
        dopt_rng rng = plain, seed = dopt_rng_init(5 ^ changed, 6), stream = dopt_rng_init(5, 6 ^ changed);
        const uint64_t x = dopt_rng_uint64(&rng);
        assert_true(x != dopt_rng_uint64(&seed));
        assert_true(x != dopt_rng_uint64(&stream));
        ASSERT_OK(dopt_rng_permute_rows(5 ^ changed, 6, n, 0, n, other));
        assert_memory_not_equal(rows, other, sizeof rows);
        ASSERT_OK(dopt_rng_permute_rows(5, 6 ^ changed, n, 0, n, other));
        assert_memory_not_equal(rows, other, sizeof rows);
    }
}

/* The Feistel network of permutation.h, written down once more. */
static uint64_t permuted_by_the_book(uint64_t seed, uint64_t round, uint64_t n, uint64_t i)
{
    uint64_t a = 1;
    while (a * a < n)
        a++;
    const uint64_t b = (n + a - 1) / a;
    const uint32_t turns = n < 256 ? 24 : n < 2048 ? 12 : 8, key[] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    uint32_t keys[24];
    for (uint32_t j = 0; j < turns; j += 4) {
        const uint32_t counter[] = { j / 4, 0x7065726d, (uint32_t)round, (uint32_t)(round >> 32) };
        dopt_philox4x32(counter, key, keys + j);
    }
    do {
        uint64_t half[] = { i / b, i % b };
        const uint64_t size[] = { a, b };
        for (uint32_t j = 0; j < turns; j++) {
            uint32_t x = ((uint32_t)half[1 - j % 2] ^ keys[j]) * 0x7feb352du;
            x = (x ^ x >> 15) * 0x846ca68bu;
            const uint64_t moved = n <= INT32_MAX ? (uint64_t)(x >> 16) * size[j % 2] >> 16 : x * size[j % 2] >> 32;
            half[j % 2] = (half[j % 2] + moved) % size[j % 2];
        }
        i = half[0] * b + half[1];
    } while (i >= n);
    return i;
}

static void permutation_is_the_documented_one(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {
        1, 2, 3, 255, 256, 257, 1000, 2047, 2048, 5000, 60000, INT32_MAX, (uint64_t)INT32_MAX + 1, 1ull << 34
    };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (uint64_t i = 0; i < sizes[s]; i += 1 + sizes[s] / 97)
            assert_int_equal(dopt_rng_permute(1ull << 33 | 3, 1ull << 34 | 5, sizes[s], i),
                             permuted_by_the_book(1ull << 33 | 3, 1ull << 34 | 5, sizes[s], i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),        cmocka_unit_test(moments),
        cmocka_unit_test(permutation_hits_each_once),  cmocka_unit_test(positions_are_values),
        cmocka_unit_test(fill_is_in_row_order),        cmocka_unit_test(lists_are_the_permutation),
        cmocka_unit_test(permutations_are_even),       cmocka_unit_test(neighbours_part),
        cmocka_unit_test(every_bit_of_the_key_counts), cmocka_unit_test(permutation_is_the_documented_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
