/* SPDX-License-Identifier: MIT */
/*
 * NaN, infinities, subnormal and extreme numbers at every position of W, G, X and Y, and spectra without gaps: a right
 * answer, or a status with outputs as before.
 */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/support.h"

static const double finite_f64[] = { 0.0, -0.0, 0x1p-1074, -1e-310, 1e-150, -1e-150, 1e150, -1e150 };
static const double finite_f32[] = { 0.0, -0.0, 0x1p-149, -1e-40, 1e-18, -1e-18, 1e18, -1e18 };
enum { finite_count = 8, special_count = finite_count + 3 };

static double special(dopt_dtype dtype, int i)
{
    return i < 3 ? test_nonfinite[i] : dtype == DOPT_F64 ? finite_f64[i - 3] : finite_f32[i - 3];
}

/* A matrix in one of the layouts, and a copy to compare with. */
typedef struct pair {
    test_array now, before;
} pair;

static pair pair_new(dopt_rng *rng, ptrdiff_t rows, ptrdiff_t cols, dopt_dtype dtype, test_layout layout)
{
    const pair p = { test_array_new(rows, cols, dtype, layout), test_array_new(rows, cols, dtype, TEST_ROWS) };
    test_fill(rng, p.now.view);
    test_copy(dopt_const(p.now.view), p.before.view);
    return p;
}

static void pair_restore(const pair *p)
{
    test_copy(dopt_const(p->before.view), p->now.view);
}

static void pair_free(pair *p)
{
    test_array_free(&p->now);
    test_array_free(&p->before);
}

/* The preconditioner. */

typedef struct e2e_case {
    dopt_e2e *nested, *by_svd;
    double depth;
    pair w, grad, out, other;
} e2e_case;

/* || P ||: its largest eigenvalue; infinite where it overflows. */
static double largest_eigenvalue(const e2e_case *c)
{
    const ptrdiff_t rows = c->w.now.view.rows, cols = c->w.now.view.cols;
    double *eigenvalues = malloc((size_t)(rows * cols) * sizeof *eigenvalues), top = 0.0;
    assert_non_null(eigenvalues);
    if (dopt_e2e_spectrum(c->nested, dopt_const(c->w.now.view), NULL, eigenvalues) != DOPT_OK)
        top = INFINITY;
    for (ptrdiff_t i = 0; i < rows * cols && isfinite(top); i++)
        top = fmax(top, eigenvalues[i]);
    free(eigenvalues);
    return top;
}

static void check_finite_move(const e2e_case *c)
{
    const dopt_mat out = c->out.now.view, other = c->other.now.view;
    const dopt_cmat w = dopt_const(c->w.now.view), grad = dopt_const(c->grad.now.view);
    const double top = largest_eigenvalue(c), limit = out.dtype == DOPT_F64 ? DBL_MAX : (double)FLT_MAX;
    const dopt_status status = dopt_e2e_apply(c->nested, w, grad, out);
    if (status != DOPT_OK) {
        assert_int_equal(status, DOPT_ERR_NUMERICAL);
        assert_true(!(top * test_norm(grad) * (double)(w.rows * w.cols) < limit));
        ASSERT_MAT_SAME(dopt_const(out), dopt_const(c->out.before.view));
        return;
    }
    ASSERT_OK(dopt_e2e_apply(c->by_svd, w, grad, other));
    const double unit = (double)(w.rows + w.cols) * test_eps(out.dtype) * top * test_norm(grad);
    assert_true(isfinite(test_norm(dopt_const(out))));
    if (c->depth <= 2.0) /* beyond, P is not Lipschitz where a singular value is tiny */
        ASSERT_CLOSE(test_distance(dopt_const(out), dopt_const(other)), 0.0, 30.0 * unit + 0x1p-1074);
}

static void check_update(const e2e_case *c, bool is_finite)
{
    const dopt_mat w = c->w.now.view;
    test_copy(dopt_const(w), c->other.now.view);
    const dopt_status status = dopt_e2e_update(c->nested, w, dopt_const(c->grad.now.view), 0.5, 0.1);
    if (!is_finite)
        assert_int_equal(status, DOPT_ERR_NONFINITE);
    if (status != DOPT_OK)
        ASSERT_MAT_SAME(dopt_const(w), dopt_const(c->other.now.view));
    else
        assert_true(isfinite(test_norm(dopt_const(w))));
}

static void put_in_e2e(const e2e_case *c, const pair *where, const char *name)
{
    const dopt_mat target = where->now.view;
    for (ptrdiff_t at = 0; at < target.rows * target.cols; at++)
        for (int i = 0; i < special_count; i++) {
            char text[64];
            (void)snprintf(text, sizeof text, "%s[%td, %td]", name, at / target.cols, at % target.cols);
            test_set(target, at / target.cols, at % target.cols, special(target.dtype, i));
            pair_restore(&c->out);
            if (i < 3) {
                ASSERT_FAILS(
                    dopt_e2e_apply(c->nested, dopt_const(c->w.now.view), dopt_const(c->grad.now.view), c->out.now.view),
                    DOPT_ERR_NONFINITE, text);
                ASSERT_MAT_SAME(dopt_const(c->out.now.view), dopt_const(c->out.before.view));
            } else {
                check_finite_move(c);
            }
            check_update(c, i >= 3);
            pair_restore(&c->w);
            pair_restore(where);
        }
    test_array_padding(&c->out.now);
}

static void preconditioner(void **state)
{
    (void)state;
    static const ptrdiff_t shapes[][2] = { { 1, 6 }, { 6, 1 }, { 4, 4 }, { 3, 8 }, { 7, 3 } };
    static const double depths[] = { 1.0, 1.5, 2.0, 3.0, INFINITY };
    dopt_rng rng = test_rng_begin(__func__);
    for (size_t i = 0; i < 5 * 5 * 2; i++) {
        const ptrdiff_t *s = shapes[i % 5];
        const dopt_dtype dtype = i < 25 ? DOPT_F64 : DOPT_F32;
        const test_layout layout = (test_layout)(i % TEST_LAYOUTS);
        e2e_case c = { .depth = depths[i / 5 % 5] };
        dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
        ASSERT_OK(dopt_e2e_create(s[0], s[1], c.depth, &options, &c.nested));
        options.method = DOPT_E2E_SVD;
        ASSERT_OK(dopt_e2e_create(s[0], s[1], c.depth, &options, &c.by_svd));
        pair *all[] = { &c.w, &c.grad, &c.out, &c.other };
        for (int p = 0; p < 4; p++)
            *all[p] = pair_new(&rng, s[0], s[1], dtype, layout);
        put_in_e2e(&c, &c.w, "w");
        put_in_e2e(&c, &c.grad, "grad");
        for (int p = 0; p < 4; p++)
            pair_free(all[p]);
        dopt_e2e_destroy(&c.nested);
        dopt_e2e_destroy(&c.by_svd);
    }
}

/* Spectra. */

/* A reflection I - 2 v v^T for a random unit vector v, applied to the rows (from the left) or columns of m. */
static void reflect(dopt_mat m, const double *v, bool left)
{
    for (ptrdiff_t line = 0; line < (left ? m.cols : m.rows); line++) {
        double along = 0.0;
        for (ptrdiff_t i = 0; i < (left ? m.rows : m.cols); i++)
            along += v[i] * (left ? test_get(dopt_const(m), i, line) : test_get(dopt_const(m), line, i));
        for (ptrdiff_t i = 0; i < (left ? m.rows : m.cols); i++) {
            const ptrdiff_t r = left ? i : line, c = left ? line : i;
            test_set(m, r, c, test_get(dopt_const(m), r, c) - 2.0 * along * v[i]);
        }
    }
}

/* sum_j a^{2(j-1)/N} b^{2(N-j)/N} */
static double kernel(double a, double b, int depth)
{
    double sum = 0.0;
    for (int j = 1; j <= depth; j++)
        sum += pow(a, 2.0 * (j - 1) / depth) * pow(b, 2.0 * (depth - j) / depth);
    return sum;
}

enum { k = 24, d = 30 };
static double w_[k * d], g_[k * d], want_[k * d], got_[k * d];

/* P of diag(s) and a random G, all turned by the same reflections. */
static void check_spectrum(dopt_rng *rng, const double *s, int depth, dopt_e2e_method method)
{
    const dopt_mat w = dopt_mat_f64(w_, k, d), g = dopt_mat_f64(g_, k, d), want = dopt_mat_f64(want_, k, d);
    test_fill(rng, g);
    for (ptrdiff_t r = 0; r < k; r++)
        for (ptrdiff_t c = 0; c < d; c++) {
            w_[r * d + c] = r == c ? s[r] : 0.0;
            want_[r * d + c] = kernel(s[r], c < k ? s[c] : 0.0, depth) * g_[r * d + c];
        }
    for (int turn = 0; turn < 4; turn++) {
        double v[d], norm;
        const bool left = turn % 2 == 0;
        test_fill(rng, dopt_mat_f64(v, 1, left ? k : d));
        norm = test_norm(dopt_cmat_f64(v, 1, left ? k : d));
        for (ptrdiff_t i = 0; i < (left ? k : d); i++)
            v[i] /= norm;
        reflect(w, v, left);
        reflect(g, v, left);
        reflect(want, v, left);
    }
    dopt_e2e *e2e = NULL;
    dopt_e2e_options options = DOPT_E2E_OPTIONS_INIT;
    options.method = method;
    ASSERT_OK(dopt_e2e_create(k, d, depth, &options, &e2e));
    ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w), dopt_const(g), dopt_mat_f64(got_, k, d)));
    ASSERT_MAT_CLOSE(dopt_cmat_f64(got_, k, d), dopt_const(want), 30);
    dopt_e2e_destroy(&e2e);
}

static void spectra(void **state)
{
    (void)state;
    static const double gaps[] = { 0.0, 1e-16, 1e-15, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2 };
    dopt_rng rng = test_rng_begin(__func__);
    for (int round = 0; round < 10 * 6; round++) {
        const double gap = gaps[round % 10];
        const int kind = round / 10;
        double s[k];
        for (int i = 0; i < k; i++) {
            const double step = 1.0 + gap * i;
            s[i] = kind == 0   ? step                         /* one cluster */
                   : kind == 1 ? (i < 12 ? 1.0 : 0.25) * step /* two */
                   : kind == 2 ? (i < 8    ? 1.0
                                  : i < 16 ? 0.5
                                           : 0.0) *
                                     step                     /* two, and zeros */
                   : kind == 3 ? (i == 0 ? 1.0 : 0.0)         /* rank one */
                   : kind == 4 ? (i < 12 ? 1.0 : 0.05) * step /* across the cut of a level */
                               : pow(0.3, i / 4) * step;      /* six small ones */
        }
        for (int depth = 1; depth <= (kind == 2 || kind == 3 ? 2 : 4); depth++) {
            check_spectrum(&rng, s, depth, DOPT_E2E_NESTED);
            check_spectrum(&rng, s, depth, DOPT_E2E_SVD);
        }
    }
}

/* Zero weights stay zero, and a zero gradient moves nothing, in every model. */
static void zeros(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    const dopt_mat w = dopt_mat_f64(w_, k, d), g = dopt_mat_f64(g_, k, d), out = dopt_mat_f64(got_, k, d);
    for (int depth = 1; depth <= 4; depth++) {
        dopt_e2e *e2e = NULL;
        ASSERT_OK(dopt_e2e_create(k, d, depth, NULL, &e2e));
        for (int i = 0; i < k * d; i++)
            w_[i] = 0.0;
        test_fill(&rng, g);
        ASSERT_OK(dopt_e2e_apply(e2e, dopt_const(w), dopt_const(g), out));
        assert_true(test_norm(dopt_const(out)) == (depth == 1 ? test_norm(dopt_const(g)) : 0.0));
        test_fill(&rng, w);
        for (int i = 0; i < k * d; i++)
            g_[i] = 0.0;
        test_copy(dopt_const(w), dopt_mat_f64(want_, k, d));
        ASSERT_OK(dopt_e2e_update(e2e, w, dopt_const(g), 0.1, 0.0));
        ASSERT_MAT_SAME(dopt_const(w), dopt_cmat_f64(want_, k, d));
        dopt_e2e_destroy(&e2e);
    }
}

/* Objectives. */

enum { m = 90, x_cols = 3, y_most = 2 };

typedef enum route { BY_ROWS, BY_COLUMNS, PRODUCTS, REDUCED, ROUTES } route;
typedef enum kind { SQUARED, LP, HUBER, LOGISTIC, KINDS } kind;

/* Sum over rows of the loss of one element, and its slope. */
static long double loss_of(kind which, long double z, long double y, long double *slope)
{
    const long double r = z - y, size = fabsl(r);
    switch (which) {
    case SQUARED: *slope = r; return r * r / 2.0L;
    case LP: *slope = r * r * r; return r * r * r * r / 4.0L;
    case HUBER: *slope = size <= 1.0L ? r : copysignl(1.0L, r); return size <= 1.0L ? r * r / 2.0L : size - 0.5L;
    case LOGISTIC:
    case KINDS: break;
    }
    *slope = -y / (1.0L + expl(y * z));
    return y * z > 0.0L ? log1pl(expl(-y * z)) : -y * z + log1pl(expl(y * z));
}

/* What the objective should be: in long double, which holds the squares and cubes of all that double holds. `scale`:
   the sum of the magnitudes that the gradient is made of. */
static long double textbook(kind which, dopt_cmat x, dopt_cmat y, dopt_cmat w, long double *grad, long double *scale)
{
    long double value = 0.0L;
    for (ptrdiff_t i = 0; i < w.rows * w.cols; i++)
        grad[i] = scale[i] = 0.0L;
    for (ptrdiff_t r = 0; r < x.rows; r++)
        for (ptrdiff_t o = 0; o < y.cols; o++) {
            long double z = 0.0L, size = fabsl(test_get(y, r, o)), slope;
            for (ptrdiff_t c = 0; c < x.cols; c++) {
                z += (long double)test_get(x, r, c) * (long double)test_get(w, o, c);
                size += fabsl((long double)test_get(x, r, c) * (long double)test_get(w, o, c));
            }
            value += loss_of(which, z, test_get(y, r, o), &slope) / (long double)x.rows;
            long double change;
            (void)loss_of(which, z + size, test_get(y, r, o), &change);
            for (ptrdiff_t c = 0; c < x.cols; c++) {
                const long double feature = test_get(x, r, c) / (long double)x.rows;
                grad[o * x.cols + c] += slope * feature;
                scale[o * x.cols + c] += (fabsl(slope) + fabsl(change)) * fabsl(feature);
            }
        }
    return value;
}

typedef struct problem {
    pair x, y, w, grad;
    dopt_loss *loss;
    route route;
    kind kind;
} problem;

static dopt_status make(const problem *p, dopt_objective **out)
{
    dopt_objective_options options = DOPT_OBJECTIVE_OPTIONS_INIT;
    options.reduction = p->route == REDUCED ? DOPT_REDUCTION_ON : DOPT_REDUCTION_OFF;
    return dopt_objective_create_data(dopt_const(p->x.now.view), dopt_const(p->y.now.view), p->loss, &options, out);
}

/* Value and gradient as the textbook has them, or a failure where that has no numbers. */
static void check_evaluation(const problem *p)
{
    dopt_objective *objective = NULL;
    long double grad[y_most * x_cols], scale[y_most * x_cols], top = 0.0L;
    const dopt_mat got = p->grad.now.view;
    double value = 0.125;
    const long double want =
        textbook(p->kind, dopt_const(p->x.now.view), dopt_const(p->y.now.view), dopt_const(p->w.now.view), grad, scale);
    for (ptrdiff_t i = 0; i < got.rows * got.cols; i++)
        top = fmaxl(top, scale[i]);
    ASSERT_OK(make(p, &objective));
    const dopt_status status = dopt_objective_eval(objective, dopt_const(p->w.now.view), NULL, &value, got);
    dopt_objective_destroy(&objective);
    if (status != DOPT_OK) {
        assert_int_equal(status, DOPT_ERR_NONFINITE);
        assert_true(fmaxl(top, want) * m > (long double)DBL_MAX);
        assert_true(value == 0.125);
        ASSERT_MAT_SAME(dopt_const(got), dopt_const(p->grad.before.view));
        return;
    }
    const double eps = test_eps(DOPT_F64);
    if (p->route != REDUCED) /* there the data as a whole has one rounding */
        ASSERT_CLOSE(value, (double)want, 30.0 * eps * fabs((double)want) + 1e-300);
    for (ptrdiff_t i = 0; i < got.rows * got.cols; i++)
        ASSERT_CLOSE(test_get(dopt_const(got), i / got.cols, i % got.cols), (double)grad[i],
                     (p->route == REDUCED ? 30.0 * m * (double)top : 30.0 * (double)scale[i]) * eps + 1e-300);
}

static void put_in_objective(const problem *p, const pair *where, const char *name, bool at_creation)
{
    const dopt_mat target = where->now.view;
    for (ptrdiff_t at = 0; at < target.rows * target.cols; at++)
        for (int i = 0; i < special_count; i++) {
            dopt_objective *objective = NULL;
            char text[64];
            (void)snprintf(text, sizeof text, "%s[%td, %td]", name, at / target.cols, at % target.cols);
            test_set(target, at / target.cols, at % target.cols, special(DOPT_F64, i));
            pair_restore(&p->grad);
            if (i >= 3) {
                if (p->kind != LOGISTIC || where != &p->y) /* targets are -1 and 1 */
                    check_evaluation(p);
            } else if (at_creation) {
                ASSERT_FAILS(make(p, &objective), DOPT_ERR_NONFINITE, text);
                assert_null(objective);
            } else {
                double value = 0.125;
                ASSERT_OK(make(p, &objective));
                ASSERT_FAILS(dopt_objective_eval(objective, dopt_const(target), NULL, &value, p->grad.now.view),
                             DOPT_ERR_NONFINITE, text);
                assert_true(value == 0.125);
                ASSERT_MAT_SAME(dopt_const(p->grad.now.view), dopt_const(p->grad.before.view));
                dopt_objective_destroy(&objective);
            }
            pair_restore(where);
        }
}

static dopt_loss *loss_new(kind which)
{
    dopt_loss *loss = NULL;
    ASSERT_OK(which == SQUARED ? dopt_loss_create_squared(NULL, &loss)
              : which == LP    ? dopt_loss_create_lp(4.0, NULL, &loss)
              : which == HUBER ? dopt_loss_create_huber(1.0, NULL, &loss)
                               : dopt_loss_create_logistic(NULL, &loss));
    return loss;
}

static void objectives(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int i = 0; i < ROUTES * KINDS; i++) {
        problem p = { .route = (route)(i % ROUTES), .kind = (kind)(i / ROUTES) };
        const ptrdiff_t outputs = p.route == PRODUCTS || p.route == REDUCED ? y_most : 1;
        if (p.route == REDUCED && p.kind != SQUARED)
            continue;
        p.x = pair_new(&rng, m, x_cols, DOPT_F64, p.route == BY_COLUMNS ? TEST_COLS : TEST_ROWS_BLOCK);
        p.y = pair_new(&rng, m, outputs, DOPT_F64, TEST_ROWS);
        p.w = pair_new(&rng, outputs, x_cols, DOPT_F64, TEST_ROWS_BLOCK);
        p.grad = pair_new(&rng, outputs, x_cols, DOPT_F64, TEST_COLS);
        p.loss = loss_new(p.kind);
        for (ptrdiff_t r = 0; r < m && p.kind == LOGISTIC; r++) {
            test_set(p.y.now.view, r, 0, r % 3 ? 1.0 : -1.0);
            test_set(p.y.now.view, r, outputs - 1, r % 2 ? 1.0 : -1.0);
        }
        test_copy(dopt_const(p.y.now.view), p.y.before.view);
        check_evaluation(&p);
        put_in_objective(&p, &p.x, "x", true);
        put_in_objective(&p, &p.y, "y", true);
        put_in_objective(&p, &p.w, "w", false);
        dopt_loss_destroy(&p.loss);
        pair_free(&p.x);
        pair_free(&p.y);
        pair_free(&p.w);
        pair_free(&p.grad);
    }
}

/* Rules. */

/* A step with a special number in the gradient: none where it is no number, and the other elements as without it. */
static void put_in_gradient(dopt_optim_kind rule, dopt_dtype dtype, ptrdiff_t at, double x)
{
    const ptrdiff_t n = 6;
    dopt_rng rng = test_rng_begin(__func__);
    dopt_optim *optim = NULL, *twin = NULL;
    pair p = pair_new(&rng, 1, n, dtype, TEST_ROWS), g = pair_new(&rng, 1, n, dtype, TEST_ROWS);
    const dopt_cmat grad = dopt_const(g.now.view), plain = dopt_const(g.before.view);
    ASSERT_OK(dopt_optim_create(rule, &optim));
    ASSERT_OK(dopt_optim_create(rule, &twin));
    for (int step = 0; step < 3; step++) {
        test_set(g.now.view, 0, at, step == 1 ? x : test_get(plain, 0, at));
        const dopt_status status = dopt_optim_apply(optim, 1, &p.now.view, &grad);
        assert_int_equal(status, step == 1 && !isfinite(x) ? DOPT_ERR_NONFINITE : DOPT_OK);
        if (status == DOPT_OK)
            ASSERT_OK(dopt_optim_apply(twin, 1, &p.before.view, &plain));
        const bool same = !isfinite(x); /* a step that failed has changed nothing, the state included */
        for (ptrdiff_t i = 0; i < n; i++) {
            const double got = test_get(dopt_const(p.now.view), 0, i);
            assert_true(isfinite(got));
            if (same || (i != at && rule != DOPT_OPTIM_GROUP_RMSPROP))
                assert_true(got == test_get(dopt_const(p.before.view), 0, i));
        }
    }
    dopt_optim_destroy(&optim);
    dopt_optim_destroy(&twin);
    pair_free(&p);
    pair_free(&g);
}

static void rules(void **state)
{
    (void)state;
    for (int rule = 0; rule < dopt_optim_kind_count(); rule++)
        for (int i = 0; i < special_count; i++)
            for (ptrdiff_t at = 0; at < 6; at++) {
                put_in_gradient((dopt_optim_kind)rule, DOPT_F64, at, special(DOPT_F64, i));
                put_in_gradient((dopt_optim_kind)rule, DOPT_F32, at, special(DOPT_F32, i));
            }
}

/* The last element of a gradient in any layout is looked at, and what lies beside the view is not. */
static void gradients_in_blocks(void **state)
{
    (void)state;
    dopt_rng rng = test_rng_begin(__func__);
    for (int layout = 0; layout < TEST_LAYOUTS; layout++) {
        pair p = pair_new(&rng, 4, 3, DOPT_F64, TEST_ROWS), g = pair_new(&rng, 4, 3, DOPT_F64, (test_layout)layout);
        const dopt_cmat grad = dopt_const(g.now.view);
        dopt_optim *optim = NULL;
        ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &optim));
        for (size_t i = 0; i < g.now.elements; i++)
            ((double *)g.now.memory)[i] = NAN;
        pair_restore(&g);
        ASSERT_OK(dopt_optim_apply(optim, 1, &p.now.view, &grad));
        test_set(g.now.view, 3, 2, INFINITY);
        ASSERT_FAILS(dopt_optim_apply(optim, 1, &p.now.view, &grad), DOPT_ERR_NONFINITE, "grads[0][3, 2] is inf");
        dopt_optim_destroy(&optim);
        pair_free(&p);
        pair_free(&g);
    }
}

/* Nets. */

/* Numbers that are none pass through to the predictions of their rows, and to no others. */
static void rows_of_a_net(void **state)
{
    (void)state;
    enum { rows = 5, inputs = 4, outputs = 3 };
    const ptrdiff_t dims[] = { inputs, 4, outputs };
    dopt_rng rng = test_rng_begin(__func__);
    dopt_net *net = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &net));
    ASSERT_OK(dopt_net_init_normal(net, &rng, 1.0));
    pair x = pair_new(&rng, rows, inputs, DOPT_F64, TEST_ROWS), z = pair_new(&rng, rows, outputs, DOPT_F64, TEST_ROWS);
    ASSERT_OK(dopt_net_forward(net, dopt_const(x.now.view), z.before.view));
    for (ptrdiff_t at = 0; at < rows * inputs; at++)
        for (int i = 0; i < 3; i++) {
            test_set(x.now.view, at / inputs, at % inputs, test_nonfinite[i]);
            ASSERT_OK(dopt_net_forward(net, dopt_const(x.now.view), z.now.view));
            for (ptrdiff_t e = 0; e < rows * outputs; e++) {
                const double got = test_get(dopt_const(z.now.view), e / outputs, e % outputs);
                if (e / outputs == at / inputs)
                    assert_true(!isfinite(got));
                else
                    assert_true(got == test_get(dopt_const(z.before.view), e / outputs, e % outputs));
            }
            pair_restore(&x);
        }
    pair_free(&x);
    pair_free(&z);
    dopt_net_destroy(&net);
}

/* The gradient of the end-to-end matrix, and the matrix that a net is to start from. */
static void matrices_of_a_net(void **state)
{
    (void)state;
    enum { inputs = 4, outputs = 3 };
    const ptrdiff_t dims[] = { inputs, 3, outputs };
    dopt_rng rng = test_rng_begin(__func__);
    dopt_net *net = NULL;
    dopt_optim *optim = NULL;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &net));
    ASSERT_OK(dopt_optim_create(DOPT_OPTIM_MOMENTUM, &optim));
    pair g = pair_new(&rng, outputs, inputs, DOPT_F64, TEST_COLS_BLOCK),
         w = pair_new(&rng, outputs, inputs, DOPT_F64, TEST_ROWS);
    for (ptrdiff_t at = 0; at < outputs * inputs; at++)
        for (int i = 0; i < special_count; i++) {
            const bool is_finite = i >= 3;
            const dopt_status want = is_finite ? DOPT_OK : DOPT_ERR_NONFINITE;
            ASSERT_OK(dopt_net_init_identity(net, 2.0));
            ASSERT_OK(dopt_net_product(net, w.before.view));
            test_set(g.now.view, at / inputs, at % inputs, special(DOPT_F64, i));
            assert_int_equal(dopt_net_backward(net, dopt_const(g.now.view)), want);
            assert_int_equal(dopt_net_init_balanced(net, dopt_const(g.now.view)), want);
            ASSERT_OK(dopt_net_product(net, w.now.view));
            if (is_finite)
                ASSERT_MAT_CLOSE(dopt_const(w.now.view), dopt_const(g.now.view), 30);
            else
                ASSERT_MAT_SAME(dopt_const(w.now.view), dopt_const(w.before.view));
            ASSERT_OK(dopt_net_init_identity(net, 2.0));
            assert_int_equal(dopt_step(optim, net, dopt_const(g.now.view)), want);
            ASSERT_OK(dopt_net_product(net, w.now.view));
            if (!is_finite)
                ASSERT_MAT_SAME(dopt_const(w.now.view), dopt_const(w.before.view));
            dopt_optim_reset(optim);
            pair_restore(&g);
        }
    pair_free(&g);
    pair_free(&w);
    dopt_optim_destroy(&optim);
    dopt_net_destroy(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preconditioner), cmocka_unit_test(spectra),
        cmocka_unit_test(zeros),          cmocka_unit_test(objectives),
        cmocka_unit_test(rules),          cmocka_unit_test(gradients_in_blocks),
        cmocka_unit_test(rows_of_a_net),  cmocka_unit_test(matrices_of_a_net),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
