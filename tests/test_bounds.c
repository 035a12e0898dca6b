/* SPDX-License-Identifier: MIT */
/* Bounds of views, of single handles, and of what has no handle. */
#include "support/bounds.h"

static void views(void **state)
{
    (void)state;
    double a[12] = { 0 }, out[12];
    const dopt_mat target = dopt_mat_f64(out, 3, 3);
    dopt_cmat m = dopt_cmat_f64(a, 3, 3);
    ASSERT_OK(dopt_sym_power(m, 1.0, target));
    m.row_stride = 2;
    MISSHAPEN(dopt_sym_power(m, 1.0, target),
              "dopt_sym_power: a (3 x 3) has row_stride 2 and col_stride 1; one must be 1 and the other at least");
    m.row_stride = 4;
    ASSERT_OK(dopt_sym_power(m, 1.0, target));
    m = dopt_ctransposed(m);
    ASSERT_OK(dopt_sym_power(m, 1.0, target));
    m.col_stride = 2;
    MISSHAPEN(dopt_sym_power(m, 1.0, target), "a (3 x 3) has row_stride 1 and col_stride 2");
    m.row_stride = 2;
    m.col_stride = 3;
    MISSHAPEN(dopt_sym_power(m, 1.0, target), "a (3 x 3) has row_stride 2 and col_stride 3");
    m = dopt_cmat_f64(a, 0, 3);
    MISSHAPEN(dopt_sym_power(m, 1.0, target), "a is 0 x 3, each extent must be in [1, 2147483647]");
    m = dopt_cmat_f64(a, 3, 0);
    MISSHAPEN(dopt_sym_power(m, 1.0, target), "a is 3 x 0, each extent");
    m = dopt_cmat_f64(a, extent_max + 1, 1);
    MISSHAPEN(dopt_sym_power(m, 1.0, target), "a is 2147483648 x 1, each extent");
    m = dopt_cmat_f64(a, 1, extent_max + 1);
    MISSHAPEN(dopt_sym_power(m, 1.0, target), "a is 1 x 2147483648, each extent");
    m = dopt_cmat_f64(a, 1, extent_max);
    MISSHAPEN(dopt_sym_power(m, 1.0, target), "a is 1 x 2147483647, must be square");
    m = dopt_cmat_f64(a, 1, 1);
    m.row_stride = extent_max;
    ASSERT_OK(dopt_sym_power(m, 1.0, dopt_mat_f64(out, 1, 1)));
    m.row_stride = extent_max + 1;
    MISSHAPEN(dopt_sym_power(m, 1.0, dopt_mat_f64(out, 1, 1)), "row_stride 2147483648");
    m.row_stride = 1;
    m.col_stride = extent_max + 1;
    MISSHAPEN(dopt_sym_power(m, 1.0, dopt_mat_f64(out, 1, 1)), "col_stride 2147483648");
    m = dopt_cmat_f64(a, order_max + 1, order_max + 1);
    OUTSIDE(dopt_sym_power(m, 1.0, target), "a is 32767 x 32767, must be of order at most 32766");
    m = dopt_cmat_f64(a, 3, 3);
    m.dtype = (dopt_dtype)2;
    ASSERT_FAILS(dopt_sym_power(m, 1.0, target), DOPT_ERR_DTYPE, "a.dtype is 2, must be DOPT_F64 or DOPT_F32");
    m.dtype = (dopt_dtype)-1;
    ASSERT_FAILS(dopt_sym_power(m, 1.0, target), DOPT_ERR_DTYPE, "a.dtype is -1");
    m = dopt_cmat_f64(NULL, 3, 3);
    OUTSIDE(dopt_sym_power(m, 1.0, target), "a.data is NULL, must point to the elements");
    m = dopt_cmat_f64(a, 3, 3);
    ASSERT_OK(dopt_sym_power(m, 0.0, target));
    OUTSIDE(dopt_sym_power(m, -0x1p-1074, target), "power is -4.94066e-324, must be in [0, inf)");
    OUTSIDE(dopt_sym_power(m, INFINITY, target), "power is inf");
    MISSHAPEN(dopt_sym_power(m, 1.0, dopt_mat_f64(out, 3, 2)), "out is 3 x 2, must be 3 x 3");
}

static void e2e(void **state)
{
    (void)state;
    dopt_e2e_options o = DOPT_E2E_OPTIONS_INIT;
    dopt_e2e *made = NULL;
    o.allocator = no_memory;
    OUTSIDE(dopt_e2e_create(0, 3, 2.0, &o, &made), "dopt_e2e_create: rows is 0, must be in [1, 2147483647]");
    OUTSIDE(dopt_e2e_create(3, 0, 2.0, &o, &made), "cols is 0, must be in [1, 2147483647]");
    INSIDE(dopt_e2e_create(extent_max, 1, 2.0, &o, &made));
    INSIDE(dopt_e2e_create(1, extent_max, 2.0, &o, &made));
    OUTSIDE(dopt_e2e_create(extent_max + 1, 1, 2.0, &o, &made), "rows is 2147483648, must be in");
    OUTSIDE(dopt_e2e_create(1, extent_max + 1, 2.0, &o, &made), "cols is 2147483648, must be in");
    INSIDE(dopt_e2e_create(order_max, order_max + 1, 2.0, &o, &made));
    INSIDE(dopt_e2e_create(order_max + 1, order_max, 2.0, &o, &made));
    OUTSIDE(dopt_e2e_create(order_max + 1, order_max + 1, 2.0, &o, &made),
            "rows is 32767 and cols is 32767, the smaller must be at most 32766");
    INSIDE(dopt_e2e_create(3, 3, 1.0, &o, &made));
    INSIDE(dopt_e2e_create(3, 3, INFINITY, &o, &made));
    OUTSIDE(dopt_e2e_create(3, 3, below_one, &o, &made), "depth is 1, must be in [1, inf]");
    OUTSIDE(dopt_e2e_create(3, 3, NAN, &o, &made), "depth is nan");
    OUTSIDE(dopt_e2e_create(3, 3, 2.0, &o, NULL), "out is NULL, must point to a handle");
    o.method = DOPT_E2E_SVD;
    INSIDE(dopt_e2e_create(3, 3, 2.0, &o, &made));
    o.method = (dopt_e2e_method)2;
    OUTSIDE(dopt_e2e_create(3, 3, 2.0, &o, &made), "options->method is 2, must be 0 (nested) or 1 (svd)");
    o.method = DOPT_E2E_NESTED;
    o.refresh_tolerance = below_one;
    INSIDE(dopt_e2e_create(3, 3, 2.0, &o, &made));
    o.refresh_tolerance = 1.0;
    OUTSIDE(dopt_e2e_create(3, 3, 2.0, &o, &made), "options->refresh_tolerance is 1, must be in [0, 1)");
    o.refresh_tolerance = -0x1p-1074;
    OUTSIDE(dopt_e2e_create(3, 3, 2.0, &o, &made), "options->refresh_tolerance is -4.94066e-324");
    o.refresh_tolerance = 0.0;
    o.allocator.allocate = NULL;
    OUTSIDE(dopt_e2e_create(3, 3, 2.0, &o, &made), "allocator has only one of allocate and release");
    o.allocator = no_memory;
    o.allocator.release = NULL;
    OUTSIDE(dopt_e2e_create(3, 3, 2.0, &o, &made), "allocator has only one of allocate and release");
    assert_null(made);

    double w[4] = { 1, 2, 3, 4 }, slopes[4] = { 1, 2, 3, 4 }, sigma[2];
    const dopt_cmat g = dopt_cmat_f64(slopes, 2, 2);
    ASSERT_OK(dopt_e2e_create(2, 2, 2.0, NULL, &made));
    ASSERT_OK(dopt_e2e_update(made, dopt_mat_f64(w, 2, 2), g, 0.0, 0.0));
    OUTSIDE(dopt_e2e_update(made, dopt_mat_f64(w, 2, 2), g, -0.5, 0.0), "lr is -0.5, must be in [0, inf)");
    OUTSIDE(dopt_e2e_update(made, dopt_mat_f64(w, 2, 2), g, INFINITY, 0.0), "lr is inf");
    OUTSIDE(dopt_e2e_update(made, dopt_mat_f64(w, 2, 2), g, 0.1, -0.5), "weight_decay is -0.5, must be in [0, inf)");
    OUTSIDE(dopt_e2e_update(made, dopt_mat_f64(w, 2, 2), g, 0.1, INFINITY), "weight_decay is inf");
    assert_true(w[0] == 1.0 && w[3] == 4.0);
    OUTSIDE(dopt_e2e_apply(NULL, g, g, dopt_mat_f64(w, 2, 2)), "dopt_e2e_apply: e2e is NULL, must be a handle");
    OUTSIDE(dopt_e2e_update(NULL, dopt_mat_f64(w, 2, 2), g, 0.1, 0.0), "dopt_e2e_update: e2e is NULL");
    OUTSIDE(dopt_e2e_spectrum(NULL, g, sigma, NULL), "dopt_e2e_spectrum: e2e is NULL");
    assert_int_equal(dopt_e2e_route_taken(NULL), DOPT_E2E_ROUTE_NONE);
    assert_int_equal(dopt_e2e_refreshes(NULL), 0);
    assert_int_equal(dopt_e2e_workspace_bytes(NULL), 0);
    dopt_e2e_destroy(&made);
    dopt_e2e_destroy(&made);
    dopt_e2e_destroy(NULL);
}

static void net_options(void)
{
    static const ptrdiff_t dims[] = { 3, 3 };
    dopt_net_options o = DOPT_NET_OPTIONS_INIT;
    dopt_net *made = NULL;
    o.allocator = no_memory;
    o.block_rows = 1048576;
    INSIDE(dopt_net_create(DOPT_F64, 1, dims, &o, &made));
    o.block_rows = 1048577;
    OUTSIDE(dopt_net_create(DOPT_F64, 1, dims, &o, &made), "options->block_rows is 1048577, must be in [0, 1048576]");
    o.block_rows = -1;
    OUTSIDE(dopt_net_create(DOPT_F64, 1, dims, &o, &made), "options->block_rows is -1");
    o.block_rows = 0;
    int *const flags[] = { &o.bias, &o.keep_activations, &o.penalty };
    static const char *const names[] = { "options->bias is ", "options->keep_activations is ", "options->penalty is " };
    for (int i = 0; i < 3; i++) {
        for (int value = -1; value <= 2; value++) {
            *flags[i] = value;
            if (value == 0 || value == 1)
                INSIDE(dopt_net_create(DOPT_F64, 1, dims, &o, &made));
            else
                OUTSIDE(dopt_net_create(DOPT_F64, 1, dims, &o, &made), names[i]);
        }
        *flags[i] = 0;
    }
}

static void nets(void **state)
{
    (void)state;
    static ptrdiff_t dims[1026];
    dopt_net_options o = DOPT_NET_OPTIONS_INIT;
    dopt_net *made = NULL;
    o.allocator = no_memory;
    net_options();
    for (int i = 0; i < 1026; i++)
        dims[i] = 1;
    INSIDE(dopt_net_create(DOPT_F64, 1024, dims, &o, &made));
    OUTSIDE(dopt_net_create(DOPT_F64, 1025, dims, &o, &made), "dopt_net_create: depth is 1025, must be in [1, 1024]");
    OUTSIDE(dopt_net_create(DOPT_F64, 0, dims, &o, &made), "depth is 0, must be in [1, 1024]");
    for (int j = 0; j <= 2; j++) {
        char text[64];
        dims[j] = extent_max;
        INSIDE(dopt_net_create(DOPT_F64, 2, dims, &o, &made));
        dims[j] = extent_max + 1;
        (void)snprintf(text, sizeof text, "dims[%d] is 2147483648, must be in [1, 2147483647]", j);
        OUTSIDE(dopt_net_create(DOPT_F64, 2, dims, &o, &made), text);
        dims[j] = 0;
        (void)snprintf(text, sizeof text, "dims[%d] is 0, must be in [1, 2147483647]", j);
        OUTSIDE(dopt_net_create(DOPT_F64, 2, dims, &o, &made), text);
        dims[j] = 2;
    }
    OUTSIDE(dopt_net_create(DOPT_F64, 2, NULL, &o, &made), "dims is NULL, must point to 3 widths");
    OUTSIDE(dopt_net_create(DOPT_F64, 2, dims, &o, NULL), "out is NULL");
    ASSERT_FAILS(dopt_net_create((dopt_dtype)2, 2, dims, &o, &made), DOPT_ERR_DTYPE, "dtype is 2");
    ASSERT_FAILS(dopt_net_create((dopt_dtype)-1, 2, dims, &o, &made), DOPT_ERR_DTYPE, "dtype is -1");

    dims[0] = 4;
    dims[1] = 3;
    dims[2] = 2;
    ASSERT_OK(dopt_net_create(DOPT_F64, 2, dims, NULL, &made));
    for (int j = -1; j <= 3; j++) {
        assert_int_equal(dopt_net_width(made, j), j < 0 || j > 2 ? 0 : dims[j]);
        assert_int_equal(dopt_net_factor(made, j).data != NULL, j == 1 || j == 2);
        assert_int_equal(dopt_net_grad(made, j).data != NULL, j == 1 || j == 2);
    }
    dopt_rng rng = dopt_rng_init(1, 1);
    OUTSIDE(dopt_net_init_normal(made, &rng, -0.5), "stddev is -0.5, must be in [0, inf)");
    OUTSIDE(dopt_net_init_normal(made, &rng, INFINITY), "stddev is inf");
    OUTSIDE(dopt_net_init_normal(made, NULL, 1.0), "rng is NULL");
    OUTSIDE(dopt_net_init_identity(made, NAN), "scale is nan, must be finite");
    OUTSIDE(dopt_net_init_orthogonal(made, &rng, INFINITY), "scale is inf, must be finite");
    OUTSIDE(dopt_net_init_orthogonal(made, NULL, 1.0), "rng is NULL");
    OUTSIDE(dopt_net_penalty(made, -0.5, NULL), "weight is -0.5, must be in [0, inf)");
    OUTSIDE(dopt_net_penalty(made, INFINITY, NULL), "weight is inf");
    OUTSIDE(dopt_net_penalty(made, 0.5, NULL), "the net has no room for it, must be created with options.penalty = 1");
    dopt_net_destroy(&made);
    dopt_net_destroy(&made);
    dopt_net_destroy(NULL);
}

static void nets_that_are_none(void **state)
{
    (void)state;
    double a[4] = { 0 };
    const dopt_mat m = dopt_mat_f64(a, 2, 2);
    dopt_rng rng = dopt_rng_init(1, 1);
    dopt_optim *optim = NULL;
    ASSERT_OK(dopt_optim_create(DOPT_OPTIM_GD, &optim));
    OUTSIDE(dopt_net_init_normal(NULL, &rng, 1.0), "dopt_net_init_normal: net is NULL, must be a handle");
    OUTSIDE(dopt_net_init_identity(NULL, 1.0), "dopt_net_init_identity: net is NULL");
    OUTSIDE(dopt_net_init_orthogonal(NULL, &rng, 1.0), "dopt_net_init_orthogonal: net is NULL");
    OUTSIDE(dopt_net_init_balanced(NULL, dopt_const(m)), "dopt_net_init_balanced: net is NULL");
    OUTSIDE(dopt_net_product(NULL, m), "dopt_net_product: net is NULL");
    OUTSIDE(dopt_net_collapse(NULL), "dopt_net_collapse: net is NULL");
    OUTSIDE(dopt_net_backward(NULL, dopt_const(m)), "dopt_net_backward: net is NULL");
    OUTSIDE(dopt_net_forward(NULL, dopt_const(m), m), "dopt_net_forward: net is NULL");
    OUTSIDE(dopt_net_backprop(NULL, dopt_const(m), dopt_const(m), m), "dopt_net_backprop: net is NULL");
    OUTSIDE(dopt_net_penalty(NULL, 1.0, NULL), "dopt_net_penalty: net is NULL");
    OUTSIDE(dopt_step(optim, NULL, dopt_const(m)), "dopt_step: net is NULL");
    OUTSIDE(dopt_optim_apply_net(optim, NULL), "dopt_optim_apply_net: net is NULL");
    OUTSIDE(dopt_optim_prepare_net(optim, NULL), "dopt_optim_prepare_net: net is NULL");
    OUTSIDE(dopt_step(NULL, NULL, dopt_const(m)), "dopt_step: optim is NULL");
    OUTSIDE(dopt_optim_apply_net(NULL, NULL), "dopt_optim_apply_net: optim is NULL");
    OUTSIDE(dopt_optim_prepare_net(NULL, NULL), "dopt_optim_prepare_net: optim is NULL");
    OUTSIDE(dopt_optim_set(NULL, DOPT_LR, 1.0), "dopt_optim_set: optim is NULL");
    assert_int_equal(dopt_net_depth(NULL), 0);
    assert_int_equal(dopt_net_dtype(NULL), DOPT_F64);
    assert_int_equal(dopt_net_width(NULL, 0), 0);
    assert_null(dopt_net_factor(NULL, 1).data);
    assert_null(dopt_net_grad(NULL, 1).data);
    assert_null(dopt_net_bias(NULL).data);
    assert_null(dopt_net_bias_grad(NULL).data);
    assert_true(isnan(dopt_net_imbalance(NULL)));
    assert_true(dopt_net_costs(NULL, 3).product == 0.0);
    dopt_optim_destroy(&optim);
    dopt_optim_destroy(&optim);
    dopt_optim_destroy(NULL);
    dopt_optim_reset(NULL);
    assert_int_equal(dopt_optim_get_kind(NULL), DOPT_OPTIM_GD);
    assert_int_equal(dopt_optim_steps(NULL), 0);
    assert_true(isnan(dopt_optim_get(NULL, DOPT_LR)));
}

static void losses(void **state)
{
    (void)state;
    dopt_loss_options o = DOPT_LOSS_OPTIONS_INIT;
    dopt_loss *made = NULL;
    o.allocator = no_memory;
    INSIDE(dopt_loss_create_lp(1.0, &o, &made));
    OUTSIDE(dopt_loss_create_lp(below_one, &o, &made), "dopt_loss_create_lp: p is 1, must be in [1, inf)");
    OUTSIDE(dopt_loss_create_lp(INFINITY, &o, &made), "p is inf");
    INSIDE(dopt_loss_create_huber(0x1p-1074, &o, &made));
    OUTSIDE(dopt_loss_create_huber(0.0, &o, &made), "dopt_loss_create_huber: delta is 0, must be in (0, inf)");
    OUTSIDE(dopt_loss_create_huber(INFINITY, &o, &made), "delta is inf");
    OUTSIDE(dopt_loss_create_custom(NULL, NULL, &o, &made), "fn is NULL");
    OUTSIDE(dopt_loss_create_squared(&o, NULL), "dopt_loss_create_squared: out is NULL");
    o.weight = -0.5;
    OUTSIDE(dopt_loss_create_logistic(&o, &made),
            "dopt_loss_create_logistic: options->weight is -0.5, must be in (0, inf), or 0 for the default");
    o.weight = INFINITY;
    OUTSIDE(dopt_loss_create_softmax_ce(&o, &made), "options->weight is inf");
    o.weight = 0x1p-1074;
    INSIDE(dopt_loss_create_squared(&o, &made));
    assert_null(made);
    dopt_loss_destroy(&made);
    dopt_loss_destroy(NULL);
    assert_string_equal(dopt_loss_name(NULL), "");
    assert_true(dopt_loss_weight(NULL) == 0.0);
    double z[1] = { 0 };
    OUTSIDE(dopt_loss_eval(NULL, dopt_cmat_f64(z, 1, 1), dopt_cmat_f64(z, 1, 1), NULL, dopt_mat_none()),
            "dopt_loss_eval: loss is NULL");
}

static void optimizers(void **state)
{
    (void)state;
    const int count = dopt_optim_kind_count();
    dopt_optim *made = NULL;
    dopt_hyper_bounds bounds;
    char text[64];
    (void)snprintf(text, sizeof text, "kind is %d, must be 0 (gd), 1 (momentum), 2 (nesterov)", count);
    OUTSIDE(dopt_optim_create((dopt_optim_kind)count, &made), text);
    OUTSIDE(dopt_optim_create_with((dopt_optim_kind)count, &no_memory, &made), text);
    OUTSIDE(dopt_optim_bounds((dopt_optim_kind)count, DOPT_LR, &bounds), text);
    OUTSIDE(dopt_optim_create((dopt_optim_kind)-1, &made), "kind is -1, must be 0 (gd)");
    INSIDE(dopt_optim_create_with((dopt_optim_kind)(count - 1), &no_memory, &made));
    OUTSIDE(dopt_optim_create(DOPT_OPTIM_GD, NULL), "out is NULL");
    OUTSIDE(dopt_optim_create_with(DOPT_OPTIM_GD, NULL, NULL), "out is NULL");
    (void)snprintf(text, sizeof text, "hyper is %d, must be 0 (lr), 1 (weight_decay)", DOPT_HYPER_COUNT);
    OUTSIDE(dopt_optim_bounds(DOPT_OPTIM_GD, (dopt_hyper)DOPT_HYPER_COUNT, &bounds), text);
    OUTSIDE(dopt_optim_bounds(DOPT_OPTIM_GD, (dopt_hyper)-1, &bounds), "hyper is -1");
    OUTSIDE(dopt_optim_bounds(DOPT_OPTIM_GD, DOPT_LR, NULL), "out is NULL");
    OUTSIDE(dopt_optim_bounds(DOPT_OPTIM_GD, DOPT_BETA1, &bounds), "gd has no hyperparameter beta1");
    assert_string_equal(dopt_hyper_name((dopt_hyper)DOPT_HYPER_COUNT), dopt_hyper_name((dopt_hyper)-1));
    assert_string_equal(dopt_optim_kind_name((dopt_optim_kind)count), dopt_optim_kind_name((dopt_optim_kind)-1));
    assert_null(made);
}

/* A value just outside of a range, which may be open. */
static double outside(double bound, int open, double direction)
{
    return open ? bound : nextafter(bound, direction);
}

/* As optim.h has them. */
static void hyperparameters(void **state)
{
    (void)state;
    for (int kind = 0; kind < dopt_optim_kind_count(); kind++) {
        dopt_optim *optim = NULL;
        ASSERT_OK(dopt_optim_create((dopt_optim_kind)kind, &optim));
        for (int hyper = 0; hyper < DOPT_HYPER_COUNT; hyper++) {
            dopt_hyper_bounds b;
            char text[64];
            if (dopt_optim_bounds((dopt_optim_kind)kind, (dopt_hyper)hyper, &b) != DOPT_OK) {
                assert_true(isnan(dopt_optim_get(optim, (dopt_hyper)hyper)));
                continue;
            }
            assert_true(b.lower == 0.0 && (hyper == DOPT_LR ? isinf(b.upper) : 1));
            (void)snprintf(text, sizeof text, "must be in %c%g, %g%c", b.lower_open ? '(' : '[', b.lower, b.upper,
                           b.upper_open ? ')' : ']');
            assert_true(b.initial == dopt_optim_get(optim, (dopt_hyper)hyper));
            OUTSIDE(dopt_optim_set(optim, (dopt_hyper)hyper, outside(b.lower, b.lower_open, -INFINITY)), text);
            OUTSIDE(dopt_optim_set(optim, (dopt_hyper)hyper, NAN), text);
            if (isfinite(b.upper) || b.upper_open)
                OUTSIDE(dopt_optim_set(optim, (dopt_hyper)hyper, outside(b.upper, b.upper_open, INFINITY)), text);
            ASSERT_OK(dopt_optim_set(optim, (dopt_hyper)hyper, b.lower_open ? 0x1p-1074 : b.lower));
            if (isfinite(b.upper))
                ASSERT_OK(dopt_optim_set(optim, (dopt_hyper)hyper, b.upper_open ? nextafter(b.upper, 0.0) : b.upper));
        }
        assert_true(isnan(dopt_optim_get(optim, (dopt_hyper)DOPT_HYPER_COUNT)));
        assert_true(isnan(dopt_optim_get(optim, (dopt_hyper)-1)));
        dopt_optim_destroy(&optim);
    }
    static const struct {
        dopt_optim_kind kind;
        dopt_hyper hyper;
        int lower_open, upper_open;
        double upper;
    } documented[] = {
        { DOPT_OPTIM_GD, DOPT_LR, 0, 1, INFINITY },
        { DOPT_OPTIM_GD, DOPT_WEIGHT_DECAY, 0, 1, INFINITY },
        { DOPT_OPTIM_GD, DOPT_DECOUPLED, 0, 0, 1.0 },
        { DOPT_OPTIM_MOMENTUM, DOPT_MOMENTUM, 0, 1, 1.0 },
        { DOPT_OPTIM_ADAM, DOPT_BETA1, 0, 1, 1.0 },
        { DOPT_OPTIM_ADAM, DOPT_BETA2, 0, 1, 1.0 },
        { DOPT_OPTIM_RMSPROP, DOPT_RHO, 0, 1, 1.0 },
        { DOPT_OPTIM_ADAM, DOPT_EPSILON, 1, 1, INFINITY },
        { DOPT_OPTIM_ADAGRAD, DOPT_ACCUMULATOR, 0, 1, INFINITY },
    };
    for (size_t i = 0; i < sizeof documented / sizeof *documented; i++) {
        dopt_hyper_bounds b;
        ASSERT_OK(dopt_optim_bounds(documented[i].kind, documented[i].hyper, &b));
        assert_int_equal(b.lower_open != 0, documented[i].lower_open);
        assert_int_equal(b.upper_open != 0, documented[i].upper_open);
        assert_true(b.upper == documented[i].upper);
    }
}

static void schedules(void **state)
{
    (void)state;
    dopt_schedule s = { DOPT_SCHEDULE_CONSTANT, 0, 0, NAN }; /* period and factor are not looked at */
    ASSERT_OK(dopt_schedule_check(&s));
    s.warmup = -1;
    OUTSIDE(dopt_schedule_check(&s), "schedule->warmup is -1, must be >= 0");
    s.warmup = 0;
    s.kind = (dopt_schedule_kind)-1;
    OUTSIDE(dopt_schedule_check(&s), "schedule->kind is -1");
    s.kind = (dopt_schedule_kind)(DOPT_SCHEDULE_INVERSE_TIME + 1);
    OUTSIDE(dopt_schedule_check(&s), "schedule->kind is 5");
    for (int kind = DOPT_SCHEDULE_STEP; kind <= DOPT_SCHEDULE_INVERSE_TIME; kind++) {
        const int from_zero = kind == DOPT_SCHEDULE_COSINE || kind == DOPT_SCHEDULE_INVERSE_TIME;
        s.kind = (dopt_schedule_kind)kind;
        s.factor = 1.0;
        s.period = 0;
        OUTSIDE(dopt_schedule_check(&s), "schedule->period is 0, must be >= 1");
        s.period = 1;
        ASSERT_OK(dopt_schedule_check(&s));
        s.factor = 1.0 + 0x1p-52;
        if (kind == DOPT_SCHEDULE_INVERSE_TIME)
            ASSERT_OK(dopt_schedule_check(&s));
        else
            OUTSIDE(dopt_schedule_check(&s), from_zero ? "must be in [0, 1]" : "must be in (0, 1]");
        s.factor = 0.0;
        if (from_zero)
            ASSERT_OK(dopt_schedule_check(&s));
        else
            OUTSIDE(dopt_schedule_check(&s), "schedule->factor is 0, must be in (0, 1]");
        s.factor = -0x1p-1074;
        OUTSIDE(dopt_schedule_check(&s), "schedule->factor is -4.94066e-324");
        s.factor = INFINITY;
        OUTSIDE(dopt_schedule_check(&s), "schedule->factor is inf");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views),
        cmocka_unit_test(e2e),
        cmocka_unit_test(nets),
        cmocka_unit_test(nets_that_are_none),
        cmocka_unit_test(losses),
        cmocka_unit_test(optimizers),
        cmocka_unit_test(hyperparameters),
        cmocka_unit_test(schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
