/* SPDX-License-Identifier: MIT */
/* The doors: creation, checks, and what both kinds of objective have in common. */

#include <depthopt/objective.h>

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/busy.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/pool.h"
#include "linalg/finite.h"
#include "linalg/scan.h"
#include "loss/loss_rows.h"
#include "objective/clone.h"
#include "objective/data.h"
#include "objective/shared.h"

static const ptrdiff_t default_rows_step = 4096;

struct dopt_objective {
    dopt__busy busy;
    dopt_allocator allocator;
    ptrdiff_t rows, cols;
    dopt_objective_fn fn;     /* NULL: data */
    void *user;               /* of a kind, its state */
    dopt_objective_kind kind; /* struct_size 0: data, or a callback */
    dopt__data data;
};

static dopt_status make(const char *func, const dopt_objective *like, dopt_objective **out)
{
    dopt_objective *objective = dopt__alloc(&like->allocator, 1, sizeof *objective);
    if (!objective)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for the handle");
    *objective = *like;
    atomic_init(&objective->busy.up, false);
    objective->kind.destroy = NULL; /* until the state is its own */
    objective->data.memory = NULL;
    objective->data.few = NULL;
    objective->data.reduced = NULL;
    if (!like->fn && !dopt__data_prepare(&objective->data, &like->data, &objective->allocator)) {
        dopt_objective_destroy(&objective);
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for the workspace of a %td x %td objective", like->rows,
                          like->cols);
    }
    objective->kind.destroy = like->kind.destroy;
    *out = objective;
    return DOPT_OK;
}

static dopt_status check_options(const char *func, dopt_objective_options *o)
{
    static const char *const reductions[] = { "auto", "on", "off" };
    DOPT_TRY(dopt__check_allocator(func, &o->allocator));
    if (o->threads < 0 || o->threads > DOPT__THREADS_MAX)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->threads is %d, must be in [0, %d]", o->threads,
                          DOPT__THREADS_MAX);
    DOPT_TRY(dopt__check_choice(func, "options->reduction", (int)o->reduction, 3, reductions));
    if (o->rows_step < 0)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->rows_step is %td, must be >= 0", o->rows_step);
    if (o->rows_step == 0)
        o->rows_step = default_rows_step;
    return DOPT_OK;
}

/* X is finite; looked at as it is evaluated, some rows after the others. */
static dopt_status check_rows(const char *func, dopt_cmat x, const dopt_objective_options *o)
{
    const size_t size = x.dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
    if (!o->rows_read)
        return dopt__require_finite(func, "x", x);
    for (ptrdiff_t first = 0; first < x.rows; first += o->rows_step) {
        const ptrdiff_t count = x.rows - first < o->rows_step ? x.rows - first : o->rows_step;
        const char *start = (const char *)x.data + (size_t)(first * x.row_stride) * size;
        const dopt_cmat rows = { start, count, x.cols, x.row_stride, x.col_stride, x.dtype };
        if (dopt__require_finite(func, "x", rows) != DOPT_OK)
            return dopt__check_finite(func, "x", x); /* names the row */
        o->rows_read(first, count, o->user);
    }
    return DOPT_OK;
}

/* One example a row; the targets of one output are often taken for a row. */
static dopt_status check_examples(const char *func, dopt_cmat x, dopt_cmat y)
{
    if (y.rows == x.rows)
        return DOPT_OK;
    return dopt__fail(DOPT_ERR_SHAPE, func, "y is %td x %td, must have one row for each of the %td rows of x%s", y.rows,
                      y.cols, x.rows, y.cols == x.rows ? ": pass dopt_ctransposed(y)" : "");
}

dopt_status dopt_objective_create_data(dopt_cmat x, dopt_cmat y, const dopt_loss *loss,
                                       const dopt_objective_options *options, dopt_objective **out)
{
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a handle");
    DOPT_REQUIRE(loss, DOPT_ERR_INVALID, "loss is NULL, must be a handle");
    DOPT_TRY(dopt__check_view(__func__, "x", x));
    DOPT_TRY(dopt__check_view(__func__, "y", y));
    DOPT_TRY(check_examples(__func__, x, y));
    DOPT_TRY(dopt__check_matrix(__func__, "y", y, x.rows, y.cols, x.dtype));
    dopt_objective_options known = DOPT_OBJECTIVE_OPTIONS_INIT;
    DOPT_TRY(dopt__read_options(__func__, options, DOPT__SIZE_THROUGH(dopt_objective_options, rows_step), sizeof known,
                                &known));
    DOPT_TRY(check_options(__func__, &known));
    DOPT_TRY(check_rows(__func__, x, &known));
    DOPT_TRY(dopt__check_finite(__func__, "y", y));
    DOPT_TRY(dopt__loss_check_targets(loss, __func__, "y", y));
    dopt_objective like = { .allocator = known.allocator, .rows = y.cols, .cols = x.cols };
    like.data.x = x;
    like.data.y = y;
    like.data.loss = loss;
    like.data.options = known;
    return make(__func__, &like, out);
}

static dopt_status check_extents(const char *func, ptrdiff_t rows, ptrdiff_t cols)
{
    if (rows < 1 || rows > DOPT__EXTENT_MAX)
        return dopt__fail(DOPT_ERR_INVALID, func, "rows is %td, must be in [1, %d]", rows, DOPT__EXTENT_MAX);
    if (cols < 1 || cols > DOPT__EXTENT_MAX)
        return dopt__fail(DOPT_ERR_INVALID, func, "cols is %td, must be in [1, %d]", cols, DOPT__EXTENT_MAX);
    return DOPT_OK;
}

dopt_status dopt_objective_create_custom(ptrdiff_t rows, ptrdiff_t cols, dopt_objective_fn fn, void *user,
                                         dopt_objective **out)
{
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a handle");
    DOPT_REQUIRE(fn, DOPT_ERR_INVALID, "fn is NULL, must be a function");
    DOPT_TRY(check_extents(__func__, rows, cols));
    const dopt_objective like = { .rows = rows, .cols = cols, .fn = fn, .user = user };
    return make(__func__, &like, out);
}

dopt_status dopt_objective_create_kind(ptrdiff_t rows, ptrdiff_t cols, const dopt_objective_kind *kind, void *state,
                                       dopt_objective **out)
{
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a handle");
    DOPT_REQUIRE(kind, DOPT_ERR_INVALID, "kind is NULL, must point to what it does");
    DOPT_TRY(check_extents(__func__, rows, cols));
    dopt_objective_kind known = DOPT_OBJECTIVE_KIND_INIT;
    DOPT_TRY(dopt__read_options(__func__, kind, sizeof known, sizeof known, &known));
    DOPT_REQUIRE(known.eval, DOPT_ERR_INVALID, "kind->eval is NULL, must be a function");
    DOPT_REQUIRE(known.examples >= 0, DOPT_ERR_INVALID, "kind->examples is %td, must be >= 0", known.examples);
    DOPT_REQUIRE(known.dtype == DOPT_F64 || known.dtype == DOPT_F32, DOPT_ERR_INVALID,
                 "kind->dtype is %d, must be DOPT_F64 or DOPT_F32", (int)known.dtype);
    const dopt_objective like = { .rows = rows, .cols = cols, .fn = known.eval, .user = state, .kind = known };
    return make(__func__, &like, out);
}

/* A copy that shares the data, with `threads` of its own. */
static dopt_status clone_on(const char *func, const dopt_objective *objective, int threads, dopt_objective **out)
{
    dopt_objective like = *objective;
    like.data.options.threads = threads;
    if (!like.kind.clone)
        return make(func, &like, out);
    DOPT_TRY(objective->kind.clone(objective->user, &like.user));
    const dopt_status status = make(func, &like, out);
    if (status != DOPT_OK && like.kind.destroy)
        like.kind.destroy(like.user);
    return status;
}

dopt_status dopt_objective_clone(const dopt_objective *objective, dopt_objective **out)
{
    DOPT_REQUIRE(objective, DOPT_ERR_INVALID, "objective is NULL, must be a handle");
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a handle");
    DOPT_HOLD(objective);
    return clone_on(__func__, objective, objective->data.options.threads, out);
}

dopt_status dopt__objective_clone_on(const dopt_objective *objective, int threads, dopt_objective **out)
{
    return clone_on("dopt_objective_clone", objective, threads, out);
}

void dopt_objective_destroy(dopt_objective **objective)
{
    if (!objective || !*objective)
        return;
    const dopt_allocator allocator = (*objective)->allocator;
    if ((*objective)->kind.destroy)
        (*objective)->kind.destroy((*objective)->user);
    dopt__data_release(&(*objective)->data, &allocator);
    dopt__release(&allocator, *objective);
    *objective = NULL;
}

ptrdiff_t dopt_objective_rows(const dopt_objective *objective)
{
    return objective ? objective->rows : 0;
}

ptrdiff_t dopt_objective_cols(const dopt_objective *objective)
{
    return objective ? objective->cols : 0;
}

ptrdiff_t dopt_objective_examples(const dopt_objective *objective)
{
    if (!objective)
        return 0;
    return objective->fn ? objective->kind.examples : objective->data.x.rows;
}

dopt_dtype dopt_objective_dtype(const dopt_objective *objective)
{
    if (!objective)
        return DOPT_F64;
    return objective->fn ? objective->kind.dtype : objective->data.x.dtype;
}

const dopt_loss *dopt_objective_loss(const dopt_objective *objective)
{
    return objective && !objective->fn ? objective->data.loss : NULL;
}

int dopt_objective_is_shared(const dopt_objective *objective)
{
    return objective && objective->kind.agree;
}

dopt_status dopt__objective_agree(dopt_objective *objective, int *choice)
{
    return objective->kind.agree ? objective->kind.agree(choice, objective->user) : DOPT_OK;
}

void dopt__objective_watch(dopt_objective *objective, int on)
{
    if (objective->kind.watch)
        objective->kind.watch(on, objective->user);
}

dopt_route dopt_objective_route(const dopt_objective *objective)
{
    if (!objective || objective->fn)
        return DOPT_ROUTE_CUSTOM;
    if (objective->data.reduced)
        return DOPT_ROUTE_REDUCED;
    return objective->data.few ? DOPT_ROUTE_PASS : DOPT_ROUTE_PRODUCTS;
}

int dopt_objective_threads(const dopt_objective *objective)
{
    return objective && objective->data.few ? dopt__few_threads(objective->data.few) : 1;
}

static dopt_status check_batch(const char *func, const dopt_objective *objective, const dopt_batch *batch)
{
    const ptrdiff_t m = dopt_objective_examples(objective);
    if (!batch || m == 0)
        return DOPT_OK;
    if (batch->count < 1)
        return dopt__fail(DOPT_ERR_INVALID, func, "batch->count is %td, must be >= 1", batch->count);
    if (!batch->rows && (batch->first < 0 || batch->count > m - batch->first))
        return dopt__fail(DOPT_ERR_INVALID, func, "batch is %td rows from %td, must be in [0, %td)", batch->count,
                          batch->first, m);
    size_t outside = 0; /* all rows first, by their top bits; then, if need be, which */
    for (ptrdiff_t i = 0; i < batch->count && batch->rows; i++)
        outside |= (size_t)batch->rows[i] | ((size_t)(m - 1) - (size_t)batch->rows[i]);
    for (ptrdiff_t i = 0; i < batch->count && outside > PTRDIFF_MAX; i++)
        if (batch->rows[i] < 0 || batch->rows[i] >= m)
            return dopt__fail(DOPT_ERR_INVALID, func, "batch->rows[%td] is %td, must be in [0, %td)", i, batch->rows[i],
                              m);
    return DOPT_OK;
}

static dopt_status eval_custom(dopt_objective *objective, const char *func, dopt_cmat w, const dopt_batch *batch,
                               double *value, dopt_mat grad)
{
    double found = NAN;
    const unsigned long before = dopt__failures();
    const dopt_status status = objective->fn(w, batch, &found, grad, objective->user);
    if (status != DOPT_OK && objective->kind.struct_size > 0)
        return status; /* with a last error of its own */
    if (status != DOPT_OK)
        return dopt__callback_failed(func, before, status);
    if (!isfinite(found))
        return dopt__fail(DOPT_ERR_NONFINITE, func, "the value that the callback gave is %g, must be finite", found);
    if (grad.data && !dopt__all_finite(dopt_const(grad)))
        return dopt__check_finite(func, "the callback's grad", dopt_const(grad));
    if (value)
        *value = found;
    return DOPT_OK;
}

/* Whether the gradient is finite, in this dtype. */
static bool fits(const dopt__evaluation *found, dopt_dtype dtype)
{
    const double top = found->scale * dopt__max_abs(found->sum);
    return dtype == DOPT_F32 ? top < 3.4e38 : isfinite(top);
}

static dopt_status hand_out(const char *func, const dopt__evaluation *found, double *value, dopt_mat grad)
{
    const bool want_grad = grad.data != NULL;
    if (!isfinite(found->value) || (want_grad && !fits(found, grad.dtype)))
        return dopt__fail(DOPT_ERR_NONFINITE, func, "the %s at this w overflows, w or the data are too large",
                          isfinite(found->value) ? "gradient" : "value");
    if (want_grad)
        dopt__copy(found->scale, found->sum, grad);
    if (value)
        *value = found->value;
    return DOPT_OK;
}

static dopt_status eval_data(dopt_objective *objective, const char *func, dopt_cmat w, const dopt_batch *batch,
                             double *value, dopt_mat grad)
{
    dopt__evaluation found;
    DOPT_TRY(dopt__within(func, dopt__data_eval(&objective->data, w, batch, grad.data != NULL, &found)));
    return hand_out(func, &found, value, grad);
}

static dopt_status check_gradient(const char *func, dopt_cmat w, ptrdiff_t outputs, dopt_cmat grad, dopt_dtype dtype)
{
    DOPT_TRY(dopt__check_matrix(func, "grad", grad, outputs, w.cols, dtype));
    return dopt__check_apart(func, "grad", grad, "w", w);
}

/* `outputs`: the rows that a gradient must have. */
static dopt_status check_eval(const char *func, const dopt_objective *objective, dopt_cmat w, const dopt_batch *batch,
                              ptrdiff_t outputs, dopt_mat grad)
{
    const bool any = objective->fn && objective->kind.examples == 0;
    const dopt_dtype dtype = any ? w.dtype : dopt_objective_dtype(objective);
    DOPT_TRY(dopt__check_matrix(func, "w", w, objective->rows, objective->cols, dtype));
    if (grad.data)
        DOPT_TRY(check_gradient(func, w, outputs, dopt_const(grad), dtype));
    DOPT_TRY(check_batch(func, objective, batch));
    return dopt__require_finite(func, "w", w);
}

dopt_status dopt_objective_eval(dopt_objective *objective, dopt_cmat w, const dopt_batch *batch, double *value,
                                dopt_mat grad)
{
    DOPT_REQUIRE(objective, DOPT_ERR_INVALID, "objective is NULL, must be a handle");
    DOPT_HOLD(objective);
    const dopt_status status = check_eval(__func__, objective, w, batch, objective->rows, grad);
    if (status != DOPT_OK)
        return objective->kind.refuse ? objective->kind.refuse(status, objective->user) : status;
    return objective->fn ? eval_custom(objective, __func__, w, batch, value, grad)
                         : eval_data(objective, __func__, w, batch, value, grad);
}

dopt_status dopt_objective_eval_outputs(dopt_objective *objective, dopt_cmat w, const dopt_batch *batch,
                                        ptrdiff_t first, ptrdiff_t count, double *value, dopt_mat grad)
{
    DOPT_REQUIRE(objective, DOPT_ERR_INVALID, "objective is NULL, must be a handle");
    DOPT_HOLD(objective);
    DOPT_REQUIRE(dopt_objective_route(objective) == DOPT_ROUTE_PRODUCTS && dopt__loss_elementwise(objective->data.loss),
                 DOPT_ERR_INVALID, "objective is not evaluated by products with an elementwise loss");
    DOPT_REQUIRE(first >= 0 && count >= 1 && first <= objective->rows - count, DOPT_ERR_INVALID,
                 "outputs are %td from %td, must be in [0, %td)", count, first, objective->rows);
    DOPT_TRY(check_eval(__func__, objective, w, batch, count, grad));
    dopt__evaluation found;
    DOPT_TRY(dopt__data_eval_outputs(&objective->data, w, batch, first, count, grad.data != NULL, &found));
    return hand_out(__func__, &found, value, grad);
}
