/* SPDX-License-Identifier: MIT */
/*
 * With the triangular factor of a QR decomposition
 *
 *     [X Y] = Q [R C; 0 S]:    ||X W^T - Y||^2 = ||R W^T - C||^2 + ||S||^2,    X^T (X W^T - Y) = R^T (R W^T - C)
 *
 * R^T R is X^T X and R^T C is X^T Y, but the two must not be formed: w^T X^T X w - 2 w^T X^T y + y^T y leaves
 * eps ||X||^2 ||w||^2 of an optimum that may be much smaller. A sum of squares has nothing to cancel, and the
 * decomposition is that of [X Y] to a few units in its last place, so value and gradient are as good as from the data.
 *
 * The rows go through in blocks B: the triangle so far, with B below it, is made a triangle again by Householder
 * reflections. That of column j touches row j of the triangle and the rows of B only.
 */

#include "objective/reduced.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "linalg/line_kernels.h"
#include "linalg/scan.h"

enum { block_rows = 128, abreast = 4, columns_most = 1024 };

/* Shared by the objective and its clones. */
typedef struct triangle {
    dopt_allocator allocator;
    atomic_int users;
    ptrdiff_t d, k, n; /* n = d + k columns */
    double *rows;      /* n x n by rows, zeros below the diagonal, abreast - 1 more rows of zeros */
} triangle;

struct dopt__reduced {
    triangle *t;
    const dopt__line_kernels *lines;
    double *w, *u; /* d, and n + abreast */
};

/* Rows far more than columns, or there is little to gain. */
bool dopt__reduced_pays(ptrdiff_t m, ptrdiff_t d, ptrdiff_t k)
{
    return d + k <= columns_most && m / 8 >= d + k;
}

/* What a reduction in the making works on: block columns, and one number for each of them. */
typedef struct making {
    triangle *t;
    const dopt__line_kernels *lines;
    double *block; /* block_rows x n by columns */
    double *along;
    const void **columns;
} making;

/* Columns j + 1 ... of row j and of the block, reflected by (1, v), I - tau (1, v) (1, v)^T. */
static void reflect_rest(const making *k, ptrdiff_t j, double tau, const double *v)
{
    const ptrdiff_t rest = k->t->n - j - 1;
    double *row = k->t->rows + j * k->t->n + j + 1;
    k->lines->dot(rest, k->columns + j + 1, block_rows, v, k->along);
    for (ptrdiff_t c = 0; c < rest; c++) {
        const double back = -tau * (row[c] + k->along[c]);
        const void *from = v;
        row[c] += back;
        k->lines->add(1, &from, block_rows, &back, k->block + (j + 1 + c) * block_rows);
    }
}

/* The reflection that takes column j of the block to zero. */
static void eliminate(const making *k, ptrdiff_t j)
{
    double *v = k->block + j * block_rows, *diagonal = k->t->rows + j * k->t->n + j, below;
    const dopt_cmat column = dopt_cmat_f64(v, 1, block_rows);
    below = dopt__norm(column);
    if (below == 0.0)
        return;
    const double alpha = *diagonal, beta = -copysign(hypot(alpha, below), alpha);
    for (ptrdiff_t i = 0; i < block_rows; i++)
        v[i] /= alpha - beta;
    *diagonal = beta;
    reflect_rest(k, j, (beta - alpha) / beta, v);
}

/* Rows first ... of m to columns from ... of the block, zeros after them. */
static void load(const making *k, dopt_cmat m, ptrdiff_t first, ptrdiff_t count, ptrdiff_t from)
{
    const size_t size = m.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    const dopt_cmat rows = {
        (const char *)m.data + (size_t)(first * m.row_stride) * size, count, m.cols, m.row_stride, m.col_stride, m.dtype
    };
    const dopt_mat to = { k->block + from * block_rows, count, m.cols, 1, block_rows, DOPT_F64 };
    if (count < block_rows)
        memset(to.data, 0, (size_t)(block_rows * m.cols) * sizeof(double));
    dopt__copy(1.0, rows, to);
}

static bool reduce(triangle *t, dopt_cmat x, dopt_cmat y)
{
    const size_t n = (size_t)t->n;
    making k = { t, &DOPT__BY_ISA(dopt__line_table, dopt__cpu_isa())->of[DOPT_F64],
                 dopt__alloc(&t->allocator, n * block_rows, sizeof *k.block),
                 dopt__alloc(&t->allocator, n, sizeof *k.along), dopt__alloc(&t->allocator, n, sizeof *k.columns) };
    const bool there = k.block && k.along && k.columns;
    for (size_t c = 0; c < n && there; c++)
        k.columns[c] = k.block + c * block_rows;
    for (ptrdiff_t at = 0; at < x.rows && there; at += block_rows) {
        const ptrdiff_t count = x.rows - at < block_rows ? x.rows - at : block_rows;
        load(&k, x, at, count, 0);
        load(&k, y, at, count, t->d);
        for (ptrdiff_t j = 0; j < t->n; j++)
            eliminate(&k, j);
    }
    dopt__release(&t->allocator, k.block);
    dopt__release(&t->allocator, k.along);
    dopt__release(&t->allocator, (void *)k.columns);
    return there;
}

static void leave(triangle *t)
{
    const dopt_allocator allocator = t->allocator;
    if (atomic_fetch_sub(&t->users, 1) > 1)
        return;
    dopt__release(&allocator, t->rows);
    dopt__release(&allocator, t);
}

static triangle *triangle_of(dopt_cmat x, dopt_cmat y, const dopt_allocator *allocator)
{
    triangle *t = dopt__alloc(allocator, 1, sizeof *t);
    if (!t)
        return NULL;
    t->allocator = *allocator;
    atomic_init(&t->users, 1);
    t->d = x.cols;
    t->k = y.cols;
    t->n = t->d + t->k;
    t->rows = dopt__alloc(allocator, (size_t)(t->n + abreast - 1) * (size_t)t->n, sizeof *t->rows);
    if (t->rows && reduce(t, x, y))
        return t;
    leave(t);
    return NULL;
}

/* Takes over one use of the triangle. */
static dopt__reduced *user_of(triangle *t)
{
    dopt__reduced *r = dopt__alloc(&t->allocator, 1, sizeof *r);
    if (r) {
        r->t = t;
        r->lines = &DOPT__BY_ISA(dopt__line_table, dopt__cpu_isa())->of[DOPT_F64];
        r->w = dopt__alloc(&t->allocator, (size_t)t->d, sizeof *r->w);
        r->u = dopt__alloc(&t->allocator, (size_t)(t->n + abreast), sizeof *r->u);
        if (r->w && r->u)
            return r;
        dopt__reduced_destroy(r);
        return NULL;
    }
    leave(t);
    return NULL;
}

dopt__reduced *dopt__reduced_create(dopt_cmat x, dopt_cmat y, const dopt_allocator *allocator)
{
    triangle *t = triangle_of(x, y, allocator);
    return t ? user_of(t) : NULL;
}

dopt__reduced *dopt__reduced_share(dopt__reduced *reduced)
{
    atomic_fetch_add(&reduced->t->users, 1);
    return user_of(reduced->t);
}

void dopt__reduced_destroy(dopt__reduced *reduced)
{
    if (!reduced)
        return;
    const dopt_allocator allocator = reduced->t->allocator;
    dopt__release(&allocator, reduced->w);
    dopt__release(&allocator, reduced->u);
    leave(reduced->t);
    dopt__release(&allocator, reduced);
}

/* Four rows of the triangle at a time, from the diagonal on. */
static void point_to(const triangle *t, ptrdiff_t r, const void *rows[abreast])
{
    for (ptrdiff_t i = 0; i < abreast; i++)
        rows[i] = t->rows + (r + i) * t->n + r;
}

/* u = R w - c, and its squared norm with that of s; c and s are column d + o. */
static double residual(const dopt__reduced *r, ptrdiff_t o)
{
    const triangle *t = r->t;
    const void *rows[abreast];
    double sum = 0.0;
    for (ptrdiff_t at = 0; at < t->d; at += abreast) {
        point_to(t, at, rows);
        r->lines->dot(abreast, rows, t->d - at, r->w + at, r->u + at);
    }
    for (ptrdiff_t i = 0; i < t->n; i++) {
        const double constant = t->rows[i * t->n + t->d + o];
        r->u[i] = i < t->d ? r->u[i] - constant : constant;
        sum += r->u[i] * r->u[i];
    }
    return sum;
}

/* grad = R^T u */
static void pull(const dopt__reduced *r, double *grad)
{
    const triangle *t = r->t;
    const void *rows[abreast];
    memset(grad, 0, (size_t)t->d * sizeof *grad);
    for (ptrdiff_t at = 0; at < t->d; at += abreast) {
        point_to(t, at, rows); /* rows of S do not count: they are zero there */
        r->lines->add(abreast, rows, t->d - at, r->u + at, grad + at);
    }
}

double dopt__reduced_eval(dopt__reduced *reduced, dopt_cmat w, double *grad)
{
    const triangle *t = reduced->t;
    const size_t size = w.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    double sum = 0.0;
    for (ptrdiff_t o = 0; o < t->k; o++) {
        const dopt_cmat row = {
            (const char *)w.data + (size_t)(o * w.row_stride) * size, 1, t->d, w.row_stride, w.col_stride, w.dtype
        };
        dopt__copy(1.0, row, dopt_mat_f64(reduced->w, 1, t->d));
        sum += residual(reduced, o);
        if (grad)
            pull(reduced, grad + o * t->d);
    }
    return sum;
}
