/* SPDX-License-Identifier: MIT */
#ifndef DEPTHOPT_OBJECTIVE_H
#define DEPTHOPT_OBJECTIVE_H

/**
 * @file depthopt/objective.h
 * What is minimised: a function of the end-to-end matrix W, with its gradient.
 *
 * Either data and a loss, L(W) = loss(X W^T, Y), or a callback of yours.
 */

#include <stddef.h>

#include <depthopt/alloc.h>
#include <depthopt/loss.h>
#include <depthopt/mat.h>
#include <depthopt/status.h>

DOPT_BEGIN_DECLS

/**
 * An objective on k x d matrices, with the workspace to evaluate it.
 *
 * Thread safety: one thread at a time per handle, or the second call fails with DOPT_ERR_BUSY; distinct handles are
 * independent, also when they share data (dopt_objective_clone()). docs/threads.md says it for each function.
 */
typedef struct dopt_objective dopt_objective;

/** Which rows of the data count. */
typedef struct dopt_batch {
    const ptrdiff_t *rows; /**< `count` row numbers in [0, m), in any order, repeats allowed; borrowed.
                                NULL: the rows first ... first + count - 1. */
    ptrdiff_t first;       /**< Used when `rows` is NULL. */
    ptrdiff_t count;       /**< >= 1. The mean is over these rows. */
} dopt_batch;

/** Whether the squared loss of all rows is evaluated without them; see dopt_objective_create_data(). */
typedef enum dopt_reduction {
    DOPT_REDUCTION_AUTO = 0, /**< Where m >= 8 (d + k), d + k <= 1024, and `rows_read` is NULL. */
    DOPT_REDUCTION_ON = 1,   /**< Always, for the squared loss and for l_p with p = 2. */
    DOPT_REDUCTION_OFF = 2   /**< Never. */
} dopt_reduction;

/** How all rows are evaluated. */
typedef enum dopt_route {
    DOPT_ROUTE_CUSTOM = 0,   /**< By a callback, or as its kind does. */
    DOPT_ROUTE_PASS = 1,     /**< One pass over X, by kernels of the library: an elementwise loss of up to 15
                                  outputs, 7 where d < 64. */
    DOPT_ROUTE_PRODUCTS = 2, /**< Matrix products, by blocks of rows. */
    DOPT_ROUTE_REDUCED = 3   /**< Squared loss: from a triangular factor of [X Y]. */
} dopt_route;

/**
 * Told that rows first ... first + count - 1 of X have been read, and that this evaluation (or the check at creation)
 * does not need them again: memory that is a view of a file may be given back to the system. Called from all threads
 * of the objective, for different rows.
 */
typedef void (*dopt_rows_fn)(ptrdiff_t first, ptrdiff_t count, void *user);

/** Start from DOPT_OBJECTIVE_OPTIONS_INIT; later releases append fields. */
typedef struct dopt_objective_options {
    size_t struct_size;       /**< Set by the initializer. */
    dopt_allocator allocator; /**< Default: malloc and free. */
    int threads;              /**< That share an evaluation, in [0, 256], by the route DOPT_ROUTE_PASS;
                                   the BLAS decides for the rest. They belong to the handle and start with it. The
                                   result is the same, bit by bit, for any number. Default 0: all processors if
                                   there is enough work, else 1. */
    dopt_reduction reduction; /**< Default DOPT_REDUCTION_AUTO. */
    dopt_rows_fn rows_read;   /**< For X larger than memory. Row-major X by the route DOPT_ROUTE_PASS; not for lists
                                   of rows, nor while a factor of [X Y] is made. Default NULL. */
    void *user;               /**< Its argument; kept, by clones too. */
    ptrdiff_t rows_step;      /**< Rows that a thread reads between two calls, >= 0. Default 0: 4096. */
} dopt_objective_options;

/** Initializer of dopt_objective_options: all defaults. */
#define DOPT_OBJECTIVE_OPTIONS_INIT                                                                        \
    { sizeof(dopt_objective_options), { NULL, NULL, NULL }, 0, DOPT_REDUCTION_AUTO, NULL, NULL, 0 }

/**
 * The objective of a data set: value = loss(X W^T, Y) and its gradient dL/dW = dZ^T X, a k x d matrix.
 *
 * Data and loss are borrowed: they must outlive the objective and all its clones, and not change.
 *
 * @param[in]  x        m x d features, one example a row, finite
 * @param[in]  y        m x k targets, same dtype, finite, as the loss wants them
 * @param[in]  loss     see depthopt/loss.h
 * @param[in]  options  NULL for the defaults; not kept
 * @param[out] out      to be freed with dopt_objective_destroy(); untouched on failure
 *
 * Cost: one pass over x and y to check them. For the squared loss, where `reduction` says so, a QR decomposition of
 * [X Y] by blocks of rows, 2 m (d + k)^2 flops, after which evaluating all rows takes 2 k d^2 flops instead of
 * 4 m k d, at the accuracy of a pass over the data. Minibatches still read their rows: a run on batches alone is better
 * off with DOPT_REDUCTION_OFF. Clones share the factor.
 * Memory: by DOPT_ROUTE_PASS 64 k d doubles, fewer where that were over 8 MiB, and k d numbers a thread (64 rows of x
 * too where x is column-major); by DOPT_ROUTE_PRODUCTS k d doubles and a block of at most 256 rows of x, y and
 * predictions; for the factor of [X Y], (d + k)^2 doubles more.
 * Passes are fastest over row-major x whose rows start on 64-byte boundaries: up to 1.25 times as fast as elsewhere.
 *
 * @retval DOPT_ERR_INVALID    a pointer is NULL, or y holds a target that the loss does not allow
 * @retval DOPT_ERR_SHAPE      x and y have different numbers of rows, or a view is not valid
 * @retval DOPT_ERR_DTYPE      x and y differ in dtype
 * @retval DOPT_ERR_NONFINITE  x or y holds a NaN or an infinity
 * @retval DOPT_ERR_VERSION    `options` sets fields that this release does not know
 * @retval DOPT_ERR_NOMEM      no memory
 */
DOPT_API dopt_status dopt_objective_create_data(dopt_cmat x, dopt_cmat y, const dopt_loss *loss,
                                                const dopt_objective_options *options, dopt_objective **out);

/**
 * Value and gradient of an objective of yours at w.
 *
 * @param[in]  w      k x d, finite, layout and dtype of the caller of dopt_objective_eval(): use the strides
 * @param[in]  batch  NULL: everything; otherwise as the caller of dopt_objective_eval() gave it
 * @param[out] value  not NULL
 * @param[out] grad   k x d, dL/dW, the dtype of w, any layout, apart from w; `data` NULL: not wanted
 * @param[in]  user   as given at creation
 *
 * @return DOPT_OK, or a failure, which dopt_objective_eval() hands on, with what dopt_fail() recorded
 */
typedef dopt_status (*dopt_objective_fn)(dopt_cmat w, const dopt_batch *batch, double *value, dopt_mat grad,
                                         void *user);

/**
 * An objective from a callback.
 *
 * @param[in]  rows, cols  k and d, each in [1, 2147483647]
 * @param[in]  fn, user    callback, not NULL, and its argument; kept. Clones call the same `fn` with the
 *                         same `user`, from several threads at once if dopt_lr_search() is told so
 * @param[out] out         to be freed with dopt_objective_destroy(); untouched on failure
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, or an extent is out of range
 * @retval DOPT_ERR_NOMEM    no memory
 */
DOPT_API dopt_status dopt_objective_create_custom(ptrdiff_t rows, ptrdiff_t cols, dopt_objective_fn fn,
                                                  void *user, dopt_objective **out);

/**
 * What an objective of another library does. Unlike a callback it has a number of examples, so that trainers cut it
 * into batches, and a state that each clone has of its own. Start from DOPT_OBJECTIVE_KIND_INIT; later releases append
 * fields.
 *
 * The last three are for objectives that several processes evaluate together, all in one order.
 */
typedef struct dopt_objective_kind {
    size_t struct_size;     /**< Set by the initializer. */
    ptrdiff_t examples;     /**< m >= 1; 0, the default: unknown, and there are no batches. */
    dopt_dtype dtype;       /**< Of w and the gradient. Default DOPT_F64. */
    dopt_objective_fn eval; /**< As for dopt_objective_create_custom(), with the state as `user`; it leaves its
                                 outputs untouched on failure, and its status and last error are handed on. */
    dopt_status (*clone)(void *state, void **out); /**< A state for another thread. Default NULL: shared. */
    void (*destroy)(void *state);                  /**< Default NULL. */
    /** Called in place of `eval` where dopt_objective_eval() refuses its arguments; returns what the processes make of
     * that status. Default NULL. */
    dopt_status (*refuse)(dopt_status status, void *state);
    /** *choice becomes the largest over the processes, if one of them watches at least. Trainers ask after each
     * evaluation why to stop; dopt_lr_search() takes one rate after the other if this is set. Default NULL. */
    dopt_status (*agree)(int *choice, void *state);
    /** Called by trainers at creation; `on`: this process has a clock or a callback that may stop it. Default NULL. */
    void (*watch)(int on, void *state);
} dopt_objective_kind;

/** Initializer of dopt_objective_kind. */
#define DOPT_OBJECTIVE_KIND_INIT { sizeof(dopt_objective_kind), 0, DOPT_F64, NULL, NULL, NULL, NULL, NULL, NULL }

/**
 * An objective of another library.
 *
 * @param[in]  rows, cols  k and d, each in [1, 2147483647]
 * @param[in]  kind        not kept
 * @param[in]  state       the argument of its functions; the objective's from now on, not so on failure
 * @param[out] out         to be freed with dopt_objective_destroy(); untouched on failure
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL, or a value is out of range
 * @retval DOPT_ERR_VERSION  `kind` sets fields that this release does not know
 * @retval DOPT_ERR_NOMEM    no memory
 */
DOPT_API dopt_status dopt_objective_create_kind(ptrdiff_t rows, ptrdiff_t cols, const dopt_objective_kind *kind,
                                                void *state, dopt_objective **out);

/**
 * A second objective over the same data (or callback) with its own workspace, for another thread.
 *
 * @param[out] out  to be freed with dopt_objective_destroy(); untouched on failure
 *
 * @retval DOPT_ERR_INVALID  a pointer is NULL
 * @retval DOPT_ERR_NOMEM    no memory
 * @retval DOPT_ERR_BUSY     `objective` is in use by another call
 */
DOPT_API dopt_status dopt_objective_clone(const dopt_objective *objective, dopt_objective **out);

/** Free `*objective` and set it to NULL. `objective` and `*objective` may be NULL. */
DOPT_API void dopt_objective_destroy(dopt_objective **objective);

/** k, the rows of W; 0 for NULL. */
DOPT_API ptrdiff_t dopt_objective_rows(const dopt_objective *objective);

/** d, the columns of W; 0 for NULL. */
DOPT_API ptrdiff_t dopt_objective_cols(const dopt_objective *objective);

/** m, the number of examples; 0 for a custom objective, for a kind that does not know it, and for NULL. */
DOPT_API ptrdiff_t dopt_objective_examples(const dopt_objective *objective);

/** The loss of a data set's objective, borrowed; NULL for the others. */
DOPT_API const dopt_loss *dopt_objective_loss(const dopt_objective *objective);

/** Whether several processes evaluate it together, in one order; 0 for NULL. */
DOPT_API int dopt_objective_is_shared(const dopt_objective *objective);

/** How all rows are evaluated; DOPT_ROUTE_CUSTOM for NULL. */
DOPT_API dopt_route dopt_objective_route(const dopt_objective *objective);

/** Threads that share an evaluation; 1 where none do, and for NULL. */
DOPT_API int dopt_objective_threads(const dopt_objective *objective);

/** Element type of the data and so of W and the gradient; DOPT_F64 for a custom objective or NULL. An objective
 * without examples takes W of either dtype. */
DOPT_API dopt_dtype dopt_objective_dtype(const dopt_objective *objective);

/**
 * Value and gradient at w.
 *
 * @param[in]  w      k x d, finite, dtype of the data
 * @param[in]  batch  which rows; NULL: all
 * @param[out] value  mean loss over these rows; NULL: not wanted
 * @param[out] grad   k x d, same dtype, dL/dW; `data` NULL (dopt_mat_none()): not wanted; must not overlap `w`
 *                    A data objective leaves both outputs untouched on failure; a custom one its gradient
 *                    as the callback left it.
 *
 * Cost: one pass over the rows of X, by blocks that stay in cache; 4 count k d flops; or as dopt_objective_route()
 * says. Allocates nothing.
 * Accuracy: sums in blocks, each to count eps; float32 data: products in float32, sums over blocks in double.
 *
 * @retval DOPT_ERR_INVALID    `objective` is NULL, the batch is empty or out of range, or `grad` overlaps `w`
 * @retval DOPT_ERR_SHAPE      `w` or `grad` is not a k x d view
 * @retval DOPT_ERR_DTYPE      `w` or `grad` has another dtype than the data
 * @retval DOPT_ERR_NONFINITE  w holds a NaN or an infinity, or value or gradient overflow: the run has diverged
 * @retval DOPT_ERR_BUSY       `objective` is in use by another call
 */
DOPT_API dopt_status dopt_objective_eval(dopt_objective *objective, dopt_cmat w, const dopt_batch *batch,
                                         double *value, dopt_mat grad);

/**
 * The part of some outputs in value and gradient: for an elementwise loss these are sums over outputs, and rows
 * first ... first + count - 1 of the gradient depend on the same rows of w alone.
 *
 * @param[in]  w      k x d, as for dopt_objective_eval()
 * @param[in]  first, count  outputs, within [0, k)
 * @param[out] value  their part of the value; NULL: not wanted
 * @param[out] grad   count x d: these rows of the gradient; `data` NULL: not wanted; must not overlap `w`
 *
 * Cost: that of dopt_objective_eval() times count / k, but X is read as often as this is called.
 *
 * @retval DOPT_ERR_INVALID  as there; or not by the route DOPT_ROUTE_PRODUCTS with an elementwise loss; or these
 *                           outputs are out of range
 * @retval the others        as for dopt_objective_eval()
 */
DOPT_API dopt_status dopt_objective_eval_outputs(dopt_objective *objective, dopt_cmat w, const dopt_batch *batch,
                                                 ptrdiff_t first, ptrdiff_t count, double *value, dopt_mat grad);

DOPT_END_DECLS

#endif
