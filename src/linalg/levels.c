/* SPDX-License-Identifier: MIT */
#include "linalg/levels.h"

#include <float.h>
#include <math.h>

/* A plain level takes s_i > 0.05 s_1, a corrected one s_i > 1e-5 s_1: below, X is not small any more. */
static const double plain_ratio = 0.05, reach = 1e-5;

/* Eigenvalues that differ by less than this factor are taken together. */
static const double cluster_gap = 1.01;

/* The largest rotation, and what makes two rows of one cluster: two of T, or one of T and one of R. */
static const double rotation_max = 1e-4, rotation_linked = 3e-5, rotation_linked_rest = 4e-6;

/* Rows with a larger X are rotated again: its square is not below rounding. */
static const double rotation_once = 1e-8;

/* The norms in a cluster differ by this factor at most: its Gram matrix then has digits enough. */
static const double spread = 8.0;

static ptrdiff_t first_above(const double *values, ptrdiff_t n, double ratio)
{
    ptrdiff_t first = n - 1;
    while (first > 0 && values[first - 1] > ratio * ratio * values[n - 1])
        first--;
    return first;
}

ptrdiff_t dopt__level_plain(const double *values, ptrdiff_t n)
{
    const ptrdiff_t first = first_above(values, n, plain_ratio);
    for (ptrdiff_t i = first; i > 0 && i < n; i++)
        if (values[i] > cluster_gap * values[i - 1])
            return i;
    return first;
}

ptrdiff_t dopt__level_reach(const double *values, ptrdiff_t n)
{
    return first_above(values, n, reach);
}

ptrdiff_t dopt__level_rounded(const double *values, ptrdiff_t cut, ptrdiff_t end, double top, double before)
{
    static const double cosine_max = 32.0 * DBL_EPSILON;
    const double from = fmin(top, 2.0 * sqrt(DBL_EPSILON) * before), least = from * DBL_EPSILON / cosine_max;
    ptrdiff_t i = cut;
    while (i < end && values[i] < least * least)
        i++;
    return i;
}

bool dopt__level_linked(double t, double li, double lj)
{
    return !(fabs(dopt__level_angle(t, li, lj)) <= rotation_linked_rest);
}

/* The first row that row i is linked with; i itself if there is none. */
static ptrdiff_t first_linked(const double *l, ptrdiff_t i, ptrdiff_t cut, double product, ptrdiff_t left)
{
    ptrdiff_t j = left;
    if (j == cut)
        while (j < i && fabs(l[i] - l[j]) * rotation_linked > product)
            j++;
    return j;
}

ptrdiff_t dopt__level_clusters(const double *l, ptrdiff_t cut, ptrdiff_t n, double product, ptrdiff_t most, int *group)
{
    int count = 0;
    ptrdiff_t end = n; /* of the run of linked rows, which starts at `start` */
    for (ptrdiff_t i = n - 1, start = n - 1; i >= cut; i--) {
        const ptrdiff_t linked = first_linked(l, i, cut, product, group[i]);
        group[i] = -1;
        start = linked < start ? linked : start;
        if (i > start)
            continue;
        if (end - i > 1) {
            const double ratio = sqrt(l[end - 1] / l[i]);
            if (!(ratio <= spread) || end - i > most)
                return end;
            for (ptrdiff_t j = i; j < end; j++)
                group[j] = count;
            count++;
        }
        end = i;
        start = i - 1;
    }
    return end > cut ? end : cut; /* a run that goes on below the cut */
}

bool dopt__level_together(const int *group, ptrdiff_t i, ptrdiff_t j)
{
    return group[i] >= 0 && group[i] == group[j];
}

bool dopt__level_small(double largest)
{
    return largest <= rotation_max;
}

bool dopt__level_again(double largest)
{
    return !(largest <= rotation_once);
}
