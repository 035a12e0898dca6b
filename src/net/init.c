/* SPDX-License-Identifier: MIT */
/*
 * Where a net starts.
 *
 * Balanced, from w0 = sum_i s_i u_i v_i^T with the thin SVD:
 *
 *     W_1 = S^{1/N} V^T,  W_j = S^{1/N},  W_N = U S^{1/N},   zero-padded to the widths,
 *
 * so that W_{j+1}^T W_{j+1} = S^{2/N} = W_j W_j^T for all j (Procedure 1 of arXiv:1810.02281).
 */

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/lapack.h"
#include "linalg/orthogonal.h"
#include "linalg/scan.h"
#include "linalg/svd.h"
#include "net/net_state.h"

static void set(dopt_mat m, ptrdiff_t row, ptrdiff_t col, double value)
{
    const ptrdiff_t at = row * m.row_stride + col * m.col_stride;
    if (m.dtype == DOPT_F64)
        ((double *)m.data)[at] = value;
    else
        ((float *)m.data)[at] = (float)value;
}

dopt_status dopt_net_init_normal(dopt_net *net, dopt_rng *rng, double stddev)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    DOPT_REQUIRE(rng, DOPT_ERR_INVALID, "rng is NULL, must point to a generator");
    DOPT_REQUIRE(stddev >= 0.0 && isfinite(stddev), DOPT_ERR_INVALID, "stddev is %g, must be in [0, inf)", stddev);
    for (int j = 1; j <= net->depth; j++)
        DOPT_TRY(dopt_rng_fill_normal(rng, net->layers[j].factor, stddev));
    return DOPT_OK;
}

dopt_status dopt_net_init_identity(dopt_net *net, double scale)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    DOPT_REQUIRE(isfinite(scale), DOPT_ERR_INVALID, "scale is %g, must be finite", scale);
    for (int j = 1; j <= net->depth; j++) {
        const dopt_mat factor = net->layers[j].factor;
        dopt__fill(factor, 0.0);
        for (ptrdiff_t i = 0; i < factor.rows && i < factor.cols; i++)
            set(factor, i, i, scale);
    }
    return DOPT_OK;
}

/* Into the gradients first, so that a failure leaves the factors alone. */
static dopt_status draw_orthogonal(dopt_net *net, dopt_rng *rng, double scale, double *numbers)
{
    for (int j = 1; j <= net->depth; j++) {
        const dopt_mat target = net->layers[j].grad, drawn = dopt_mat_f64(numbers, target.rows, target.cols);
        DOPT_TRY(dopt_rng_fill_normal(rng, drawn, 1.0));
        DOPT_TRY(dopt__orthonormalise(drawn, &net->allocator));
        dopt__copy(scale, dopt_const(drawn), target);
    }
    for (int j = 1; j <= net->depth; j++)
        dopt__copy(1.0, dopt_const(net->layers[j].grad), net->layers[j].factor);
    return DOPT_OK;
}

dopt_status dopt_net_init_orthogonal(dopt_net *net, dopt_rng *rng, double scale)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    DOPT_REQUIRE(rng, DOPT_ERR_INVALID, "rng is NULL, must point to a generator");
    DOPT_REQUIRE(isfinite(scale), DOPT_ERR_INVALID, "scale is %g, must be finite", scale);
    size_t largest = 0;
    for (int j = 1; j <= net->depth; j++) {
        const size_t size = (size_t)net->layers[j].width * (size_t)net->layers[j - 1].width;
        largest = size > largest ? size : largest;
    }
    double *numbers = dopt__alloc(&net->allocator, largest, sizeof *numbers);
    DOPT_REQUIRE(numbers, DOPT_ERR_NOMEM, "no memory for a factor of %zu elements", largest);
    dopt_rng drawing = *rng;
    const dopt_status status = draw_orthogonal(net, &drawing, scale, numbers);
    dopt__release(&net->allocator, numbers);
    if (status == DOPT_OK)
        *rng = drawing;
    return status == DOPT_OK ? status
                             : dopt__fail(status, __func__, "no orthogonal factor: %s", dopt_status_string(status));
}

/* w0 = sum_i s_i u_i v_i^T over the values that count at the net's precision. */
typedef struct basis {
    dopt_cmat left, right; /* row i: u_i, v_i, for value first + i */
    const double *values;
    ptrdiff_t count;
    double smallest; /* values up to this are rounding */
} basis;

static basis basis_of(dopt__svd *svd, const dopt_net *net, bool wide)
{
    const ptrdiff_t first = dopt__svd_first(svd), rank = dopt__svd_rank(svd);
    const dopt_cmat ut = dopt_ctransposed(dopt_const(dopt__svd_u(svd))), vt = dopt_const(dopt__svd_vt(svd));
    const dopt_cmat u = { (const double *)ut.data + first * ut.row_stride, rank, ut.cols, ut.row_stride, 1, DOPT_F64 };
    const ptrdiff_t longer = u.cols > vt.cols ? u.cols : vt.cols;
    basis b = { wide ? u : vt, wide ? vt : u, dopt__svd_values(svd) + first, rank, 0.0 };
    for (ptrdiff_t i = 0; i < rank; i++)
        b.smallest = fmax(b.smallest, b.values[i]);
    b.smallest *= (double)longer * (net->dtype == DOPT_F64 ? DBL_EPSILON : (double)FLT_EPSILON);
    return b;
}

static dopt_status check_widths(const char *func, const dopt_net *net, const basis *b)
{
    ptrdiff_t rank = 0;
    for (ptrdiff_t i = 0; i < b->count; i++)
        rank += b->values[i] > b->smallest;
    for (int j = 1; j < net->depth; j++)
        if (net->layers[j].width < rank)
            return dopt__fail(DOPT_ERR_SHAPE, func, "width %d is %td, must be at least %td, the rank of w0", j,
                              net->layers[j].width, rank);
    return DOPT_OK;
}

static void write_balanced(dopt_net *net, const basis *b)
{
    const int depth = net->depth;
    const double *left = b->left.data, *right = b->right.data;
    for (int j = 1; j <= depth; j++)
        dopt__fill(net->layers[j].factor, 0.0);
    ptrdiff_t at = 0; /* the hidden unit that carries this value */
    for (ptrdiff_t i = 0; i < b->count; i++) {
        if (b->values[i] <= b->smallest)
            continue;
        const double root = pow(b->values[i], 1.0 / depth);
        for (ptrdiff_t c = 0; c < b->right.cols; c++)
            set(net->layers[1].factor, at, c, root * right[i * b->right.row_stride + c]);
        for (int j = 2; j < depth; j++)
            set(net->layers[j].factor, at, at, root);
        for (ptrdiff_t r = 0; r < b->left.cols; r++)
            set(net->layers[depth].factor, r, at, root * left[i * b->left.row_stride + r]);
        at++;
    }
}

dopt_status dopt_net_init_balanced(dopt_net *net, dopt_cmat w0)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    const ptrdiff_t k = dopt__net_outputs(net), d = dopt__net_inputs(net), small = k < d ? k : d;
    DOPT_TRY(dopt__check_matrix(__func__, "w0", w0, k, d, net->dtype));
    DOPT_TRY(dopt__check_finite(__func__, "w0", w0));
    DOPT_REQUIRE(small <= DOPT__ORDER_MAX, DOPT_ERR_SHAPE, "w0 is %td x %td, the smaller extent must be at most %d", k,
                 d, DOPT__ORDER_MAX);
    if (net->depth == 1) {
        dopt__copy(1.0, w0, net->layers[1].factor);
        return DOPT_OK;
    }
    dopt__svd *svd = dopt__svd_create(small, k < d ? d : k, DOPT__SVD_NESTED, &net->allocator);
    DOPT_REQUIRE(svd, DOPT_ERR_NOMEM, "no memory for the decomposition of a %td x %td matrix", k, d);
    dopt_status status = DOPT_OK;
    if (!dopt__svd_compute(svd, k <= d ? w0 : dopt_ctransposed(w0), dopt__max_abs(w0)))
        status = dopt__fail(DOPT_ERR_NUMERICAL, __func__, "no decomposition of w0 (%td x %td) converged", k, d);
    if (status == DOPT_OK) {
        const basis b = basis_of(svd, net, k <= d);
        status = check_widths(__func__, net, &b);
        if (status == DOPT_OK)
            write_balanced(net, &b);
    }
    dopt__svd_destroy(svd);
    return status;
}
