/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_LINALG_LEVELS_H
#define DEPTHOPT_LINALG_LEVELS_H

/*
 * What a level of the nested decomposition takes: decisions from numbers that every rank knows, so that libdepthopt
 * (nested.c, refine.c) and libdepthopt-mpi (cyclic_basis.c, cyclic_refine.c) make them alike. Both compile this file.
 *
 * Values are squares of singular values, and ascend.
 */

#include <stdbool.h>
#include <stddef.h>

/* The first of n values that a plain level takes: not one in the middle of a cluster. */
ptrdiff_t dopt__level_plain(const double *values, ptrdiff_t n);

/* The first of n values that a corrected level may reach. */
ptrdiff_t dopt__level_reach(const double *values, ptrdiff_t n);

/*
 * Where rows cut ... end - 1 end that are to be projected again after a corrected level: those that are much smaller
 * than the rows they are sums of, and carry their rounding. These are the largest ones of this level, of norm `top`;
 * but the level before, whose largest value was `before`, has told rows apart down to sqrt(eps) of that.
 */
ptrdiff_t dopt__level_rounded(const double *values, ptrdiff_t cut, ptrdiff_t end, double top, double before);

/* X_ij of t = z_i^T z_j; 0 for a pair that is orthogonal, with a cosine below 1e-15. */
static inline double dopt__level_angle(double t, double li, double lj)
{
    return t * t <= 1e-15 * 1e-15 * li * lj ? 0.0 : t / (lj - li);
}

/* Whether row i that is taken forms a cluster with row j that is left: the rotation between the two is too large. */
bool dopt__level_linked(double t, double li, double lj);

/*
 * Group the rows cut ... n - 1 into clusters, with numbers in `group`, -1 for the others; raise the cut where that
 * cannot be done, and return it. On entry, group[i] is the first row before the cut that row i is linked with, or
 * `cut`. `product`: the largest |z_i^T z_j| between two rows that are taken: rows are linked too if the rotation
 * between them would be too large with that, as it may become when a cluster is turned. `most`: rows of a cluster that
 * can be turned.
 */
ptrdiff_t dopt__level_clusters(const double *l, ptrdiff_t cut, ptrdiff_t n, double product, ptrdiff_t most, int *group);

/* Whether i and j are in one cluster. */
bool dopt__level_together(const int *group, ptrdiff_t i, ptrdiff_t j);

/* Whether a rotation with this largest element may be made, and whether it is to be followed by another one. */
bool dopt__level_small(double largest);
bool dopt__level_again(double largest);

#endif
