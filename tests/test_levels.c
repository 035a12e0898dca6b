/* SPDX-License-Identifier: MIT */
/* Which rows a level of the nested decomposition takes, and which of them it turns together: on both sides of each
 * limit. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/levels.h"
#include "support/support.h"

enum { most = 6 };

/* The squares of `n` singular values, between two that nobody may look at. */
static const double *squares(ptrdiff_t n, const double *values)
{
    static double at[most + 2];
    at[0] = at[n + 1] = INFINITY;
    for (ptrdiff_t i = 0; i < n; i++)
        at[i + 1] = values[i] * values[i];
    return at + 1;
}

static void a_plain_level_takes_the_largest(void **state)
{
    (void)state;
    assert_int_equal(dopt__level_plain(squares(4, (const double[]){ 0.02, 0.049, 0.051, 1.0 }), 4), 2);
    assert_int_equal(dopt__level_plain(squares(3, (const double[]){ 0.1, 0.2, 2.0 }), 3), 1);
    assert_int_equal(dopt__level_plain(squares(2, (const double[]){ 0.05, 1.0 }), 2), 1); /* not the limit itself */
    assert_int_equal(dopt__level_plain(squares(2, (const double[]){ 0.9, 1.0 }), 2), 0);
    assert_int_equal(dopt__level_plain(squares(1, (const double[]){ 1.0 }), 1), 0);
}

/* Squares that differ by less than one in a hundred are one cluster, which is left whole. */
static void a_plain_level_cuts_no_cluster(void **state)
{
    (void)state;
    assert_int_equal(dopt__level_plain(squares(5, (const double[]){ 0.0499, 0.0501, 0.0504, 0.2, 1.0 }), 5), 2);
    assert_int_equal(dopt__level_plain(squares(4, (const double[]){ 0.0496, 0.0501, 0.2, 1.0 }), 4), 1);
    /* From the limit to the top: there is no better place. */
    static const double no_gap[] = { 0.9990, 0.9995, 1.0 };
    assert_int_equal(dopt__level_plain(squares(3, no_gap), 3), 0);
    double close[601];
    close[600] = INFINITY;
    for (int i = 0; i < 600; i++)
        close[i] = pow(1.009, i - 599);
    close[0] = 0.0;
    const ptrdiff_t first = dopt__level_plain(close, 600);
    assert_false(close[first - 1] > 0.0025);
    assert_true(close[first] > 0.0025);
}

static void a_corrected_level_reaches_further(void **state)
{
    (void)state;
    assert_int_equal(dopt__level_reach(squares(4, (const double[]){ 0.9e-5, 1.1e-5, 0.05, 1.0 }), 4), 1);
    assert_int_equal(dopt__level_reach(squares(3, (const double[]){ 2.1e-5, 1.0, 2.0 }), 3), 0);
    assert_int_equal(dopt__level_reach(squares(3, (const double[]){ 1.9e-5, 1.0, 2.0 }), 3), 1);
}

/* A 32nd of the largest row of the level, or of what the level before could tell apart. */
static void small_rows_are_projected_again(void **state)
{
    static const double *v;
    const double root = sqrt(DBL_EPSILON);
    (void)state;
    v = squares(6, (const double[]){ 0.5, 0.5, 0.99, 1.0, 1.5, 3.0 });
    assert_int_equal(dopt__level_rounded(v, 1, 6, 32.0, INFINITY), 3);
    assert_int_equal(dopt__level_rounded(v, 1, 6, 33.0, INFINITY), 4);
    assert_int_equal(dopt__level_rounded(v, 1, 6, 1000.0, 32.0 / root), 5); /* 2 sqrt(eps) before = 64 */
    assert_int_equal(dopt__level_rounded(v, 1, 6, 32.0, 1000.0 / root), 3);
    assert_int_equal(dopt__level_rounded(v, 0, 2, 1000.0, INFINITY), 2);
    assert_int_equal(dopt__level_rounded(v, 2, 2, 1000.0, INFINITY), 2);
    assert_int_equal(dopt__level_rounded(v, 4, 6, 1.0, INFINITY), 4);
}

static void angles_are_of_pairs_that_are_not_orthogonal(void **state)
{
    (void)state;
    assert_true(dopt__level_angle(1e-15, 1.0, 1.0) == 0.0);
    assert_true(dopt__level_angle(1.99e-15, 1.0, 4.0) == 0.0);
    assert_true(dopt__level_angle(-1.99e-15, 4.0, 1.0) == 0.0);
    ASSERT_CLOSE(dopt__level_angle(2.01e-15, 1.0, 4.0), 0.67e-15, 1e-30);
    ASSERT_CLOSE(dopt__level_angle(-2.01e-15, 1.0, 4.0), -0.67e-15, 1e-30);
    ASSERT_CLOSE(dopt__level_angle(0.3, 4.0, 1.0), -0.1, 1e-16);
    assert_true(isinf(dopt__level_angle(1e-14, 1.0, 1.0)));
}

static void limits_of_rotations(void **state)
{
    (void)state;
    assert_false(dopt__level_linked(4e-6, 1.0, 2.0));
    assert_false(dopt__level_linked(-4e-6, 1.0, 2.0));
    assert_true(dopt__level_linked(4.01e-6, 1.0, 2.0));
    assert_true(dopt__level_linked(-4.01e-6, 2.0, 1.0));
    assert_true(dopt__level_linked(1e-14, 1.0, 1.0));
    assert_false(dopt__level_linked(1e-16, 1.0, 1.0));
    assert_true(dopt__level_linked(NAN, 1.0, 2.0));
    assert_true(dopt__level_small(1e-4));
    assert_false(dopt__level_small(1.01e-4));
    assert_false(dopt__level_small(NAN));
    assert_false(dopt__level_again(1e-8));
    assert_true(dopt__level_again(1.01e-8));
    assert_true(dopt__level_again(NAN));
}

/*
 * Rows cut ... n - 1 with these squares, linked where those differ by 1 at most: which cut is returned, and in which
 * clusters, a letter each, from the last one on: '-' alone, '.' not said.
 */
static void clusters_are(ptrdiff_t cut, ptrdiff_t n, const double *l, ptrdiff_t largest, const int *linked,
                         ptrdiff_t cut_then, const char *clusters)
{
    static const double product = 3e-5; /* the limit on the rotation, times 1 */
    int group[most];
    for (int i = 0; i < most; i++)
        group[i] = linked ? linked[i] : (int)cut;
    assert_int_equal(dopt__level_clusters(l, cut, n, product, largest, group), cut_then);
    for (ptrdiff_t i = cut; i < n; i++)
        if (clusters[i] != '.')
            assert_int_equal(group[i], clusters[i] == '-' ? -1 : clusters[i] - 'a');
}

static void rows_that_are_close_are_clusters(void **state)
{
    (void)state;
    clusters_are(0, 4, (const double[]){ 1.0, 2.5, 4.0, 8.0 }, most, NULL, 0, "----");
    clusters_are(1, 6, (const double[]){ 1.0, 2.0, 4.0, 5.0, 5.75, 7.0 }, most, NULL, 1, ".-aaa-");
    clusters_are(0, 5, (const double[]){ 1.0, 1.5, 4.0, 8.0, 8.5 }, most, NULL, 0, "bb-aa");
    clusters_are(0, 5, (const double[]){ 1.0, 1.5, 4.0, 90.0, 200.0 }, most, NULL, 0, "aa---");
    clusters_are(2, 6, (const double[]){ 1.0, 1.0, 1.5, 4.0, 8.0, 8.5 }, most, NULL, 2, "..--aa");
    clusters_are(1, 6, (const double[]){ 0.0, 1.0, 5.0, 9.0, 5.5, 20.0 }, most, NULL, 1, ".-aaa-"); /* across a row */
    clusters_are(0, 1, (const double[]){ 1.0 }, most, NULL, 0, "-");
}

static void clusters_that_cannot_be_turned_raise_the_cut(void **state)
{
    static const double four[] = { 1.0, 3.0, 3.5, 4.0, 4.5, 9.0 };
    (void)state;
    clusters_are(0, 6, four, 4, NULL, 0, "-aaaa-");
    clusters_are(0, 6, four, 3, NULL, 5, ".....-");
    clusters_are(0, 4, (const double[]){ 3.0, 3.5, 4.0, 9.0 }, 2, NULL, 3, "...-");
    /* Norms that differ by more than a factor of 8. */
    clusters_are(0, 3, (const double[]){ 1.0 / 63.0, 1.0, 9.0 }, most, NULL, 0, "aa-");
    clusters_are(0, 3, (const double[]){ 1.0 / 64.0, 1.0, 9.0 }, most, NULL, 0, "aa-");
    clusters_are(0, 3, (const double[]){ 1.0 / 65.0, 1.0, 9.0 }, most, NULL, 2, "..-");
    clusters_are(0, 5, (const double[]){ 1e-3, 0.5, 4.0, 9.0, 9.5 }, most, NULL, 2, "..-aa");
    clusters_are(0, 2, (const double[]){ 0.0, 1.0 }, most, NULL, 2, "..");
}

/* A row that is linked with one that is left is left too, with all before it. */
static void clusters_across_the_cut_raise_it(void **state)
{
    static const double apart[] = { 1.0, 3.0, 10.0, 20.0, 30.0, 40.0 };
    (void)state;
    clusters_are(2, 6, apart, most, (const int[]){ 2, 2, 2, 1, 2, 2 }, 4, "....--");
    clusters_are(2, 6, apart, most, (const int[]){ 2, 2, 0, 2, 2, 2 }, 3, "...---");
    clusters_are(2, 6, apart, most, (const int[]){ 2, 2, 2, 2, 2, 1 }, 6, "......");
}

static void rows_alone_are_not_together(void **state)
{
    static const int group[] = { -1, 0, 0, 1, -1 };
    (void)state;
    assert_true(dopt__level_together(group, 1, 2));
    assert_false(dopt__level_together(group, 2, 3));
    assert_false(dopt__level_together(group, 0, 4));
    assert_false(dopt__level_together(group, 0, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_level_takes_the_largest),
        cmocka_unit_test(a_plain_level_cuts_no_cluster),
        cmocka_unit_test(a_corrected_level_reaches_further),
        cmocka_unit_test(small_rows_are_projected_again),
        cmocka_unit_test(angles_are_of_pairs_that_are_not_orthogonal),
        cmocka_unit_test(limits_of_rotations),
        cmocka_unit_test(rows_that_are_close_are_clusters),
        cmocka_unit_test(clusters_that_cannot_be_turned_raise_the_cut),
        cmocka_unit_test(clusters_across_the_cut_raise_it),
        cmocka_unit_test(rows_alone_are_not_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
