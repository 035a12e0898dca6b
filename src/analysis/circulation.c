/* SPDX-License-Identifier: MIT */
/*
 * The integral of <F, w'> over the four pieces of the curve, each a smooth function of t in [0, 1]: Gauss-Kronrod
 * panels, halved until the difference of the two rules is small.
 *
 *     along = -outer ... -inner:  w = along e          angle = pi ... 0:  w = radius (cos e + sin f)
 */

#include <depthopt/analysis.h>

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <depthopt/e2e.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/scan.h"

enum { halvings_max = 20, nodes = 8 };

/* Gauss-Kronrod (7, 15): nodes from the end to the middle, weights of both rules. */
static const double node[nodes] = { 0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
                                    0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
                                    0.586087235467691130294144691258400, 0.405845151377397166906606412076961,
                                    0.207784955007898467600689403773245, 0.0 };
static const double kronrod[nodes] = { 0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
                                       0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
                                       0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
                                       0.204432940075298892414161999234649, 0.209482141084727828012999174891714 };
static const double gauss[nodes] = {
    0.0, 0.129484966168869693270611432679082, 0.0, 0.279705391489276667901467771423780,
    0.0, 0.381830050505118944950369775488975, 0.0, 0.417959183673469387755102040816327
};

typedef struct loop {
    ptrdiff_t rows, cols;
    dopt_gradient_fn gradient;
    void *user;
    dopt_circulation_options options;
    dopt_e2e *e2e;
    double *e, *f, *w, *field; /* packed rows */
    int64_t evaluations;
    int piece;
    double wanted; /* error, over t in [0, 1] */
} loop;

/* Over a panel: the integral, the difference of the rules, and the integral of the size of the integrand. */
typedef struct panel {
    double value, error, size;
} panel;

/* Point t of the present piece is a e + b f, the tangent da e + db f. */
static void point(const loop *l, double t, double *a, double *b, double *da, double *db)
{
    const double pi = 3.14159265358979323846, inner = l->options.inner, outer = l->options.outer;
    const double radius = l->piece == 1 ? inner : outer, angle = l->piece == 1 ? pi * (1.0 - t) : pi * t;
    const double turn = l->piece == 1 ? -pi : pi;
    const bool straight = l->piece % 2 == 0;
    *a = straight ? (l->piece == 0 ? -outer + t * (outer - inner) : inner + t * (outer - inner)) : radius * cos(angle);
    *b = straight ? 0.0 : radius * sin(angle);
    *da = straight ? outer - inner : -turn * radius * sin(angle);
    *db = straight ? 0.0 : turn * radius * cos(angle);
}

/* <F(w(t)), w'(t)>. */
static dopt_status integrand(loop *l, double t, double *out)
{
    const ptrdiff_t n = l->rows * l->cols;
    const dopt_mat w = dopt_mat_f64(l->w, l->rows, l->cols), field = dopt_mat_f64(l->field, l->rows, l->cols);
    double a, b, da, db, sum = 0.0;
    point(l, t, &a, &b, &da, &db);
    for (ptrdiff_t i = 0; i < n; i++)
        l->w[i] = a * l->e[i] + b * l->f[i];
    l->evaluations++;
    DOPT_TRY(l->gradient(dopt_const(w), field, l->user));
    DOPT_TRY(dopt__check_finite("dopt_analysis_circulation", "the gradient", dopt_const(field)));
    DOPT_TRY(dopt_e2e_apply(l->e2e, dopt_const(w), dopt_const(field), field));
    for (ptrdiff_t i = 0; i < n; i++)
        sum += l->field[i] * (da * l->e[i] + db * l->f[i]);
    *out = sum;
    return DOPT_OK;
}

static dopt_status integrate_panel(loop *l, double from, double to, panel *out)
{
    const double middle = 0.5 * (from + to), half = 0.5 * (to - from);
    double by_gauss = 0.0, by_kronrod = 0.0, size = 0.0;
    for (int i = 0; i < nodes; i++)
        for (int side = -1; side <= (i == nodes - 1 ? -1 : 1); side += 2) {
            double y;
            DOPT_TRY(integrand(l, middle + side * half * node[i], &y));
            by_gauss += gauss[i] * y;
            by_kronrod += kronrod[i] * y;
            size += kronrod[i] * fabs(y);
        }
    out->value = half * by_kronrod;
    out->error = half * fabs(by_kronrod - by_gauss);
    out->size = half * size;
    return DOPT_OK;
}

/* Halve [from, to] until its share of the error is met, or halving no longer helps. Adds to *total. */
static dopt_status refine(loop *l, double from, double to, panel whole, int left, panel *total)
{
    const double middle = 0.5 * (from + to);
    panel parts[2];
    if (whole.error <= l->wanted * (to - from) || whole.error <= 50.0 * DBL_EPSILON * whole.size || left == 0) {
        total->value += whole.value;
        total->error += whole.error;
        total->size += whole.size;
        return DOPT_OK;
    }
    DOPT_TRY(integrate_panel(l, from, middle, &parts[0]));
    DOPT_TRY(integrate_panel(l, middle, to, &parts[1]));
    DOPT_TRY(refine(l, from, middle, parts[0], left - 1, total));
    return refine(l, middle, to, parts[1], left - 1, total);
}

static dopt_status integrate(loop *l, dopt_circulation *out)
{
    panel first[4], sums[4] = { { 0 } };
    double size = 0.0, round_off = 0.0;
    for (l->piece = 0; l->piece < 4; l->piece++) {
        DOPT_TRY(integrate_panel(l, 0.0, 1.0, &first[l->piece]));
        size += fabs(first[l->piece].value);
    }
    l->wanted = 0.25 * l->options.tolerance * size;
    for (l->piece = 0; l->piece < 4; l->piece++)
        DOPT_TRY(refine(l, 0.0, 1.0, first[l->piece], halvings_max, &sums[l->piece]));
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 4; i++) {
        out->parts[i] = sums[i].value;
        out->value += sums[i].value;
        out->error += sums[i].error;
        round_off += sums[i].size;
    }
    out->error += sqrt((double)(l->rows * l->cols)) * 10.0 * DBL_EPSILON * round_off;
    out->evaluations = l->evaluations;
    return DOPT_OK;
}

/* e = G(0) / ||G(0)||, and f across it. */
static dopt_status find_plane(loop *l, const char *func)
{
    const ptrdiff_t n = l->rows * l->cols;
    const dopt_mat e = dopt_mat_f64(l->e, l->rows, l->cols);
    ptrdiff_t least = 0;
    memset(l->w, 0, (size_t)n * sizeof *l->w);
    DOPT_TRY(l->gradient(dopt_cmat_f64(l->w, l->rows, l->cols), e, l->user));
    DOPT_TRY(dopt__check_finite(func, "the gradient", dopt_const(e)));
    const double norm = dopt__norm(dopt_const(e));
    if (norm == 0.0)
        return dopt__fail(DOPT_ERR_NUMERICAL, func, "the gradient at 0 is 0, must not be");
    for (ptrdiff_t i = 0; i < n; i++) {
        l->e[i] /= norm;
        least = fabs(l->e[i]) < fabs(l->e[least]) ? i : least;
    }
    for (ptrdiff_t i = 0; i < n; i++)
        l->f[i] = (i == least ? 1.0 : 0.0) - l->e[least] * l->e[i];
    const double across = dopt__norm(dopt_cmat_f64(l->f, l->rows, l->cols));
    for (ptrdiff_t i = 0; i < n; i++)
        l->f[i] /= across;
    return DOPT_OK;
}

static dopt_status read_options(const char *func, const dopt_circulation_options *options,
                                dopt_circulation_options *out)
{
    const dopt_circulation_options defaults = DOPT_CIRCULATION_OPTIONS_INIT;
    *out = defaults;
    DOPT_TRY(dopt__read_options(func, options, DOPT__SIZE_THROUGH(dopt_circulation_options, allocator), sizeof defaults,
                                out));
    if (!(out->depth >= 1.0))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->depth is %g, must be in [1, inf]", out->depth);
    if (!(out->inner > 0.0 && out->inner < out->outer && isfinite(out->outer)))
        return dopt__fail(DOPT_ERR_INVALID, func,
                          "options->inner is %g and options->outer is %g, must be 0 < inner < outer", out->inner,
                          out->outer);
    if (!(out->tolerance > 0.0 && out->tolerance < 1.0))
        return dopt__fail(DOPT_ERR_INVALID, func, "options->tolerance is %g, must be in (0, 1)", out->tolerance);
    return dopt__check_allocator(func, &out->allocator);
}

dopt_status dopt_analysis_circulation(ptrdiff_t rows, ptrdiff_t cols, dopt_gradient_fn gradient, void *user,
                                      const dopt_circulation_options *options, dopt_circulation *out)
{
    dopt_circulation found;
    loop l = { .rows = rows, .cols = cols, .gradient = gradient, .user = user };
    DOPT_REQUIRE(gradient, DOPT_ERR_INVALID, "gradient is NULL, must be a function");
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a result");
    DOPT_REQUIRE(rows >= 1 && cols >= 1 && (rows > 1 || cols > 1), DOPT_ERR_INVALID,
                 "rows is %td and cols is %td, each must be >= 1, and one > 1", rows, cols);
    DOPT_TRY(read_options(__func__, options, &l.options));
    dopt_e2e_options of_e2e = DOPT_E2E_OPTIONS_INIT;
    of_e2e.allocator = l.options.allocator;
    DOPT_TRY(dopt__within(__func__, dopt_e2e_create(rows, cols, l.options.depth, &of_e2e, &l.e2e)));
    const size_t n = (size_t)rows * (size_t)cols;
    l.e = dopt__alloc(&l.options.allocator, n, 4 * sizeof *l.e);
    dopt_status status =
        l.e ? DOPT_OK : dopt__fail(DOPT_ERR_NOMEM, __func__, "no memory for four %td x %td matrices", rows, cols);
    if (status == DOPT_OK) {
        l.f = l.e + n;
        l.w = l.f + n;
        l.field = l.w + n;
        status = dopt__within(__func__, find_plane(&l, __func__));
    }
    if (status == DOPT_OK)
        status = dopt__within(__func__, integrate(&l, &found));
    if (status == DOPT_OK)
        *out = found;
    dopt_e2e_destroy(&l.e2e);
    dopt__release(&l.options.allocator, l.e);
    return status;
}
