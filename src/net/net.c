/* SPDX-License-Identifier: MIT */
/* Creation, access, and the doors to the products on W. All memory of a net is taken here. */

#include <depthopt/net.h>

#include <math.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/memory.h"
#include "linalg/blas.h"
#include "linalg/scan.h"
#include "net/chain.h"
#include "net/net_state.h"

static const ptrdiff_t default_block_rows = 256, block_rows_max = 1048576;

/* Columns of an imbalance that are computed at a time. */
static const ptrdiff_t panel_columns = 64;

static dopt_status read_options(const char *func, const dopt_net_options *options, dopt_net_options *out)
{
    const dopt_net_options defaults = DOPT_NET_OPTIONS_INIT;
    *out = defaults;
    DOPT_TRY(dopt__read_options(func, options, DOPT__SIZE_THROUGH(dopt_net_options, penalty), sizeof defaults, out));
    if (out->block_rows < 0 || out->block_rows > block_rows_max)
        return dopt__fail(DOPT_ERR_INVALID, func, "options->block_rows is %td, must be in [0, %td]", out->block_rows,
                          block_rows_max);
    const struct {
        const char *name;
        int value;
    } flags[] = { { "bias", out->bias }, { "keep_activations", out->keep_activations }, { "penalty", out->penalty } };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].value != 0 && flags[i].value != 1)
            return dopt__fail(DOPT_ERR_INVALID, func, "options->%s is %d, must be 0 or 1", flags[i].name,
                              flags[i].value);
    if (out->block_rows == 0)
        out->block_rows = default_block_rows;
    return dopt__check_allocator(func, &out->allocator);
}

static size_t element_size(dopt_dtype dtype)
{
    return dtype == DOPT_F64 ? sizeof(double) : sizeof(float);
}

/* Elements rounded up, so that every array starts on a cache line. */
static size_t padded(double elements)
{
    const size_t line = DOPT__ALIGN / sizeof(float);
    return ((size_t)elements + line - 1) / line * line;
}

static double width_of(const dopt_net *net, int j)
{
    return (double)net->layers[j].width;
}

static double weights_of(const dopt_net *net)
{
    double sum = 0.0;
    for (int j = 1; j <= net->depth; j++)
        sum += width_of(net, j) * width_of(net, j - 1);
    return sum;
}

/* Working on W instead of on the rows of X can only pay if W is not too large beside the factors. */
static bool may_collapse(const dopt_net *net)
{
    return width_of(net, 0) * width_of(net, net->depth) < 3.0 * net->weights;
}

static double widest(const dopt_net *net)
{
    double top = 0.0;
    for (int j = 0; j <= net->depth; j++)
        top = fmax(top, width_of(net, j));
    return top;
}

/* Memory that is handed out piece by piece; `memory` NULL only counts. */
typedef struct arena {
    char *memory;
    size_t size;
    double used;
} arena;

static void *place(arena *a, double elements)
{
    void *start = a->memory ? a->memory + (size_t)a->used * a->size : NULL;
    a->used += (double)padded(elements);
    return start;
}

static double join_size(const dopt_net *net, const dopt__join *join)
{
    return width_of(net, join->high) * width_of(net, join->low);
}

/* Room for the products of a plan, and for their gradients. */
static void place_joins(const dopt_net *net, dopt__plan *plan, bool grads, arena *a)
{
    for (int i = 0; i + 1 < plan->count; i++) {
        dopt__join *join = &plan->joins[i];
        const ptrdiff_t rows = net->layers[join->high].width, cols = net->layers[join->low].width;
        join->product = dopt__net_view(net, place(a, (double)rows * (double)cols), rows, cols);
        if (grads)
            join->grad = dopt__net_view(net, place(a, (double)rows * (double)cols), rows, cols);
    }
}

static void lay_out_bias(dopt_net *net, arena *a)
{
    const ptrdiff_t k = dopt__net_outputs(net);
    net->bias = dopt__net_view(net, place(a, (double)k), 1, k);
    net->bias_grad = dopt__net_view(net, place(a, (double)k), 1, k);
    net->ones = dopt__net_view(net, place(a, (double)net->block_rows), 1, net->block_rows);
}

static void lay_out_penalty(dopt_net *net, arena *a)
{
    double largest = 0.0; /* factor with a hidden layer at both ends */
    for (int j = 1; j < net->depth; j++) {
        dopt__layer *layer = &net->layers[j];
        const double size = width_of(net, j) * width_of(net, j);
        layer->above = dopt__net_view(net, place(a, size), layer->width, layer->width);
        layer->below = dopt__net_view(net, place(a, size), layer->width, layer->width);
        if (j > 1)
            largest = fmax(largest, width_of(net, j) * width_of(net, j - 1));
    }
    net->scratch = place(a, largest);
}

/* Where each array starts in the net's memory, if there is one; returns the elements of all. */
static double lay_out(dopt_net *net, const dopt_net_options *options)
{
    arena a = { net->numbers, element_size(net->dtype), 0.0 };
    for (int j = 0; j <= net->depth; j++) {
        dopt__layer *layer = &net->layers[j];
        const double rows = width_of(net, j);
        layer->slot = place(&a, (double)net->block_rows * rows);
        if (j == 0)
            continue;
        const ptrdiff_t cols = net->layers[j - 1].width;
        layer->factor = dopt__net_view(net, place(&a, rows * (double)cols), layer->width, cols);
        layer->grad = dopt__net_view(net, place(&a, rows * (double)cols), layer->width, cols);
    }
    for (int i = 0; i < 2; i++)
        net->buffers[i] = place(&a, (double)net->block_rows * widest(net));
    for (int i = 0; i < 2; i++)
        net->spare[i] = place(&a, widest(net));
    const arena before = a; /* the two plans never work at the same time, and share their room */
    place_joins(net, &net->product, false, &a);
    const double of_product = a.used;
    a = before;
    place_joins(net, &net->backward, true, &a);
    a.used = fmax(a.used, of_product);
    if (may_collapse(net)) {
        void *data = place(&a, width_of(net, 0) * width_of(net, net->depth));
        net->collapsed = dopt__net_view(net, data, dopt__net_outputs(net), dopt__net_inputs(net));
    }
    if (options->bias)
        lay_out_bias(net, &a);
    if (options->penalty)
        lay_out_penalty(net, &a);
    return a.used;
}

/* More elements than lay_out() will ask for, in floating point: the sizes may overflow. */
static double upper_bound(const dopt_net *net, const dopt_net_options *options)
{
    double elements = 8.0 * net->weights;
    for (int i = 0; i < net->backward.count; i++)
        elements += 2.0 * (join_size(net, &net->product.joins[i]) + join_size(net, &net->backward.joins[i]));
    for (int j = 0; j <= net->depth; j++) {
        elements += 5.0 * (double)net->block_rows * (width_of(net, j) + widest(net));
        if (options->penalty)
            elements += 3.0 * width_of(net, j) * width_of(net, j);
    }
    return elements;
}

static dopt_status set_up(dopt_net *net, const char *func, const ptrdiff_t dims[], const dopt_net_options *options)
{
    net->layers = dopt__alloc(&net->allocator, (size_t)net->depth + 1, sizeof *net->layers);
    if (!net->layers)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for %d layers", net->depth);
    for (int j = 0; j <= net->depth; j++)
        net->layers[j].width = dims[j];
    net->block_rows = options->block_rows;
    net->keeps_activations = options->keep_activations;
    net->weights = weights_of(net);
    if (!dopt__plan_make(net->depth, dims, &net->allocator, &net->product, &net->backward))
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for the plan of %d products", net->depth);
    double elements = upper_bound(net, options);
    if (elements < 1e18)
        elements = lay_out(net, options);
    if (elements < 1e18)
        net->numbers = dopt__alloc(&net->allocator, (size_t)elements, element_size(net->dtype));
    if (!net->numbers)
        return dopt__fail(DOPT_ERR_NOMEM, func, "no memory for a net of %.3g weights", net->weights);
    (void)lay_out(net, options);
    if (options->bias)
        dopt__fill(net->ones, 1.0);
    return DOPT_OK;
}

dopt_status dopt_net_create(dopt_dtype dtype, int depth, const ptrdiff_t dims[], const dopt_net_options *options,
                            dopt_net **out)
{
    DOPT_REQUIRE(out, DOPT_ERR_INVALID, "out is NULL, must point to a handle");
    DOPT_REQUIRE(dtype == DOPT_F64 || dtype == DOPT_F32, DOPT_ERR_DTYPE, "dtype is %d, must be DOPT_F64 or DOPT_F32",
                 (int)dtype);
    DOPT_REQUIRE(depth >= 1 && depth <= DOPT_NET_DEPTH_MAX, DOPT_ERR_INVALID, "depth is %d, must be in [1, %d]", depth,
                 DOPT_NET_DEPTH_MAX);
    DOPT_REQUIRE(dims, DOPT_ERR_INVALID, "dims is NULL, must point to %d widths", depth + 1);
    for (int j = 0; j <= depth; j++)
        DOPT_REQUIRE(dims[j] >= 1 && dims[j] <= DOPT__EXTENT_MAX, DOPT_ERR_INVALID,
                     "dims[%d] is %td, must be in [1, %d]", j, dims[j], DOPT__EXTENT_MAX);
    dopt_net_options known;
    DOPT_TRY(read_options(__func__, options, &known));

    dopt_net *net = dopt__alloc(&known.allocator, 1, sizeof *net);
    DOPT_REQUIRE(net, DOPT_ERR_NOMEM, "no memory for the handle");
    net->allocator = known.allocator;
    net->dtype = dtype;
    net->depth = depth;
    const dopt_status status = set_up(net, __func__, dims, &known);
    if (status != DOPT_OK)
        dopt_net_destroy(&net);
    else
        *out = net;
    return status;
}

void dopt_net_destroy(dopt_net **net)
{
    if (!net || !*net)
        return;
    const dopt_allocator allocator = (*net)->allocator;
    dopt__plan_release(&(*net)->product, &allocator);
    dopt__plan_release(&(*net)->backward, &allocator);
    dopt__release(&allocator, (*net)->numbers);
    dopt__release(&allocator, (*net)->layers);
    dopt__release(&allocator, *net);
    *net = NULL;
}

int dopt_net_depth(const dopt_net *net)
{
    return net ? net->depth : 0;
}

dopt_dtype dopt_net_dtype(const dopt_net *net)
{
    return net ? net->dtype : DOPT_F64;
}

ptrdiff_t dopt_net_width(const dopt_net *net, int j)
{
    return net && j >= 0 && j <= net->depth ? net->layers[j].width : 0;
}

dopt_mat dopt_net_factor(dopt_net *net, int j)
{
    return net && j >= 1 && j <= net->depth ? net->layers[j].factor : dopt_mat_none();
}

dopt_mat dopt_net_grad(dopt_net *net, int j)
{
    if (!net)
        return dopt_mat_none();
    DOPT_HOLD_OR(net, dopt_mat_none());
    if (j < 1 || j > net->depth)
        return dopt_mat_none();
    dopt__chain_form(net, j);
    return net->layers[j].grad;
}

dopt_mat dopt_net_bias(dopt_net *net)
{
    return net ? net->bias : dopt_mat_none();
}

dopt_mat dopt_net_bias_grad(dopt_net *net)
{
    return net ? net->bias_grad : dopt_mat_none();
}

dopt_status dopt_net_product(const dopt_net *net, dopt_mat w)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    DOPT_TRY(
        dopt__check_matrix(__func__, "w", dopt_const(w), dopt__net_outputs(net), dopt__net_inputs(net), net->dtype));
    for (int j = 1; j <= net->depth; j++)
        DOPT_TRY(
            dopt__check_apart(__func__, "w", dopt_const(w), "a factor of the net", dopt_const(net->layers[j].factor)));
    dopt__chain_product(net, w);
    return DOPT_OK;
}

dopt_status dopt_net_backward(dopt_net *net, dopt_cmat grad)
{
    DOPT_REQUIRE(net, DOPT_ERR_INVALID, "net is NULL, must be a handle");
    DOPT_HOLD(net);
    DOPT_TRY(dopt__check_matrix(__func__, "grad", grad, dopt__net_outputs(net), dopt__net_inputs(net), net->dtype));
    DOPT_TRY(dopt__check_finite(__func__, "grad", grad));
    dopt__chain_backward(net, grad, false);
    return DOPT_OK;
}

/* Columns first ... first + count - 1. */
static dopt_cmat columns(dopt_mat m, ptrdiff_t first, ptrdiff_t count)
{
    const size_t offset = (size_t)(first * m.col_stride) * element_size(m.dtype);
    const dopt_cmat part = { (const char *)m.data + offset, m.rows, count, m.row_stride, m.col_stride, m.dtype };
    return part;
}

/* || W_{j+1}^T W_{j+1} - W_j W_j^T ||_F, a panel of columns at a time. */
static double imbalance_at(const dopt_net *net, int j)
{
    const dopt_mat upper = net->layers[j + 1].factor, lower = net->layers[j].factor;
    const dopt_mat lower_t = dopt_transposed(lower);
    const ptrdiff_t n = lower.rows, step = net->block_rows < panel_columns ? net->block_rows : panel_columns;
    double norm = 0.0;
    for (ptrdiff_t at = 0; at < n; at += step) {
        const ptrdiff_t count = n - at < step ? n - at : step;
        const dopt_mat panel = dopt__net_buffer(net, 0, n, count);
        dopt__gemm(1.0, dopt_ctransposed(dopt_const(upper)), columns(upper, at, count), 0.0, panel);
        dopt__gemm(-1.0, dopt_const(lower), columns(lower_t, at, count), 1.0, panel);
        norm = hypot(norm, dopt__norm(dopt_const(panel)));
    }
    return norm;
}

double dopt_net_imbalance(const dopt_net *net)
{
    if (!net)
        return NAN;
    DOPT_HOLD_OR(net, NAN);
    double worst = 0.0;
    for (int j = 1; j <= net->depth; j++)
        if (!dopt__all_finite(dopt_const(net->layers[j].factor)))
            return NAN;
    for (int j = 1; j < net->depth; j++)
        worst = fmax(worst, imbalance_at(net, j));
    return worst;
}
