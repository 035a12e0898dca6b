/* SPDX-License-Identifier: MIT */
/*
 * The basis of a matrix, by one of two methods, with one-sided Jacobi behind both.
 *
 * Entries are squared on the way, so a matrix whose entries are extreme is scaled first, by a power of two: that costs
 * no digit. Ordinary float64 matrices are decomposed where they are.
 */

#include "linalg/svd.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/jacobi.h"
#include "linalg/lapack.h"
#include "linalg/nested.h"
#include "linalg/scan.h"
#include "linalg/svd_workspace.h"

/* Fourth powers of entries of this size, times any extent, are far from overflow and, times eps^2, from underflow. */
static const double ordinary_min = 1e-40, ordinary_max = 1e40;

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

dopt__svd *dopt__svd_create(ptrdiff_t k, ptrdiff_t d, dopt__svd_method method, const dopt_allocator *allocator)
{
    assert(k >= 1 && k <= d && k <= DOPT__ORDER_MAX && d <= DOPT__EXTENT_MAX);
    const bool nested = method == DOPT__SVD_NESTED;
    const size_t square = (size_t)k * (size_t)k, wide = (size_t)k * (size_t)d, order = (size_t)k;
    const size_t work = nested ? most(wide + square, dopt__eigen_doubles(k)) : wide + dopt__gesdd_doubles(k, d);
    const size_t ints = nested ? dopt__eigen_ints(k) + order : dopt__gesdd_ints(k);
    const size_t doubles = wide + (nested ? 3 : 2) * square + order + work;

    dopt__svd *svd = dopt__alloc(allocator, 1, sizeof *svd);
    if (!svd)
        return NULL;
    if (allocator)
        svd->allocator = *allocator;
    svd->vt = dopt__alloc(allocator, doubles, sizeof(double));
    svd->iwork = dopt__alloc(allocator, ints, sizeof(int));
    if (!svd->vt || !svd->iwork) {
        dopt__svd_destroy(svd);
        return NULL;
    }
    svd->ut = svd->vt + wide;
    svd->square = svd->ut + square;
    svd->wide = svd->square + square;
    svd->values = svd->wide + work;
    svd->work = nested ? svd->wide : svd->wide + wide;
    svd->spare = svd->wide + wide;
    if (nested) {
        svd->vectors = svd->values + order;
        svd->group = svd->iwork + (ints - order);
    }
    svd->method = method;
    svd->allowed = DOPT__SVD_ALLOW_ALL;
    svd->flat_ratio = INFINITY;
    svd->k = k;
    svd->d = d;
    svd->doubles = nested ? work : work - wide;
    svd->bytes = sizeof *svd + doubles * sizeof(double) + ints * sizeof(int);
    return svd;
}

void dopt__svd_destroy(dopt__svd *svd)
{
    if (!svd)
        return;
    const dopt_allocator allocator = svd->allocator;
    dopt__release(&allocator, svd->vt);
    dopt__release(&allocator, svd->iwork);
    dopt__release(&allocator, svd);
}

/* Singular values below this are the rounding of a zero. */
static double rounding_of(const dopt__svd *svd, double norm)
{
    return (double)svd->d * DBL_EPSILON * norm;
}

/* Nonzero values to the range [first, first + rank); they are sorted one way or the other. */
static void find_rank(dopt__svd *svd, double zero)
{
    ptrdiff_t first = 0, end = svd->k;
    while (first < end && svd->values[first] <= zero)
        svd->values[first++] = 0.0;
    while (end > first && svd->values[end - 1] <= zero)
        svd->values[--end] = 0.0;
    svd->first = first;
    svd->rank = end - first;
}

static bool lapack_svd(dopt__svd *svd, dopt_cmat w)
{
    if (!(svd->allowed & DOPT__SVD_ALLOW_GESDD))
        return false;
    dopt__copy(1.0, w, dopt_mat_f64(svd->wide, svd->k, svd->d));
    if (!dopt__gesdd(svd->k, svd->d, svd->wide, svd->values, svd->square, svd->vt, svd->work, svd->doubles, svd->iwork))
        return false;
    dopt__copy(1.0, dopt_ctransposed(dopt_cmat_f64(svd->square, svd->k, svd->k)),
               dopt_mat_f64(svd->ut, svd->k, svd->k));
    find_rank(svd, rounding_of(svd, svd->values[0]));
    svd->route = DOPT__ROUTE_LAPACK;
    return true;
}

static bool jacobi_svd(dopt__svd *svd, dopt_cmat w)
{
    const dopt_mat vt = dopt_mat_f64(svd->vt, svd->k, svd->d);
    dopt__copy(1.0, w, vt);
    const double zero = rounding_of(svd, dopt__norm(w));
    if (!dopt__jacobi(vt, dopt_mat_f64(svd->ut, svd->k, svd->k), svd->values, zero))
        return false;
    find_rank(svd, zero);
    for (ptrdiff_t i = svd->first; i < svd->k; i++) {
        const dopt_mat row = dopt_mat_f64(svd->vt + i * svd->d, 1, svd->d);
        dopt__copy(1.0 / svd->values[i], dopt_const(row), row);
    }
    svd->route = DOPT__ROUTE_JACOBI;
    return true;
}

/* W = 0: any orthonormal basis. */
static void null_basis(dopt__svd *svd)
{
    dopt__fill(dopt_mat_f64(svd->ut, svd->k, svd->k), 0.0);
    for (ptrdiff_t i = 0; i < svd->k; i++) {
        svd->ut[i * svd->k + i] = 1.0;
        svd->values[i] = 0.0;
    }
    svd->first = svd->k;
    svd->rank = 0;
    svd->route = svd->method == DOPT__SVD_LAPACK ? DOPT__ROUTE_LAPACK : DOPT__ROUTE_NESTED;
}

/* w, or a copy of it in double, times half * rest. The nested method knows the copy in vt. */
static dopt_cmat scaled(const dopt__svd *svd, dopt_cmat w, double half, double rest)
{
    if (half == 1.0 && rest == 1.0 && w.dtype == DOPT_F64)
        return w;
    const dopt_mat copy = dopt_mat_f64(svd->vt, svd->k, svd->d);
    dopt__copy(half, w, copy);
    if (rest != 1.0)
        dopt__copy(rest, dopt_const(copy), copy);
    return dopt_const(copy);
}

bool dopt__svd_compute(dopt__svd *svd, dopt_cmat w, double largest)
{
    assert(w.rows == svd->k && w.cols == svd->d && isfinite(largest));
    svd->has_vt = true;
    if (largest == 0.0) {
        null_basis(svd);
        return true;
    }
    int exponent = 0;
    if (largest < ordinary_min || largest > ordinary_max)
        (void)frexp(largest, &exponent);
    /* Two factors: the power of two that a subnormal number needs is not representable itself. */
    const double half = ldexp(1.0, -exponent / 2), rest = ldexp(1.0, -(exponent - exponent / 2));
    const dopt_cmat ordinary = scaled(svd, w, half, rest), none = { 0 };
    const dopt_cmat narrow = svd->narrow && exponent == 0 && w.dtype == DOPT_F32 ? w : none;
    const bool found =
        svd->method == DOPT__SVD_LAPACK ? lapack_svd(svd, ordinary) : dopt__nested(svd, ordinary, narrow);
    if (!found && !jacobi_svd(svd, scaled(svd, w, half, rest)))
        return false;
    if (exponent != 0)
        for (ptrdiff_t i = 0; i < svd->k; i++)
            svd->values[i] = svd->values[i] / half / rest;
    return true;
}

void dopt__svd_relax(dopt__svd *svd, double flat_ratio, bool narrow)
{
    svd->flat_ratio = flat_ratio;
    svd->narrow = narrow;
}

bool dopt__svd_has_vt(const dopt__svd *svd)
{
    return svd->has_vt;
}

size_t dopt__svd_bytes(const dopt__svd *svd)
{
    return svd ? svd->bytes : 0;
}

ptrdiff_t dopt__svd_first(const dopt__svd *svd)
{
    return svd->first;
}

ptrdiff_t dopt__svd_rank(const dopt__svd *svd)
{
    return svd->rank;
}

const double *dopt__svd_values(const dopt__svd *svd)
{
    return svd->values;
}

dopt_mat dopt__svd_u(const dopt__svd *svd)
{
    return dopt_transposed(dopt_mat_f64(svd->ut, svd->k, svd->k));
}

dopt_mat dopt__svd_vt(const dopt__svd *svd)
{
    return dopt_mat_f64(svd->vt + svd->first * svd->d, svd->rank, svd->d);
}

dopt__svd_route dopt__svd_route_taken(const dopt__svd *svd)
{
    return svd->route;
}

dopt_mat dopt__svd_wide_scratch(const dopt__svd *svd)
{
    return dopt_mat_f64(svd->wide, svd->k, svd->d);
}

dopt_mat dopt__svd_square_scratch(const dopt__svd *svd)
{
    return dopt_mat_f64(svd->square, svd->k, svd->k);
}

dopt_mat dopt__svd_spare_scratch(const dopt__svd *svd)
{
    return dopt_mat_f64(svd->spare, svd->k, svd->k);
}

dopt_mat dopt__svd_vt_scratch(const dopt__svd *svd)
{
    return dopt_mat_f64(svd->vt, svd->k, svd->d);
}

void dopt__svd_allow(dopt__svd *svd, unsigned drivers)
{
    svd->allowed = drivers;
}
